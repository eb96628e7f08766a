// SPDX-License-Identifier: Apache-2.0
#include "core/media/badblocks.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kSector = 512;
constexpr uint64_t kMaxCount = 512;  // sectors of one entry
constexpr size_t kPage = 4096;

// In sectors; ranges that share a sector, or touch, become one.
std::vector<Range> ToSectors(const std::vector<Range>& bad) {
  std::vector<Range> sectors;
  for (const Range& range : bad) {
    const uint64_t first = range.start / kSector;
    const uint64_t end = (range.end() - 1) / kSector + 1;
    if (!sectors.empty() && sectors.back().end() >= first)
      sectors.back().size = std::max(end, sectors.back().end()) - sectors.back().start;
    else
      sectors.push_back({first, end - first});
  }
  return sectors;
}

// Removes a number, with white space before it, from the front of `text`.
std::optional<uint64_t> TakeNumber(absl::string_view& text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(text[digits])) ++digits;
  uint64_t value;
  if (!absl::SimpleAtoi(text.substr(0, digits), &value)) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

std::optional<Range> BadRangeOf(absl::string_view text) {
  const auto sector = TakeNumber(text);
  if (!sector) return std::nullopt;
  const auto count = TakeNumber(text);
  if (!count || *count == 0 || *count > static_cast<uint64_t>(std::numeric_limits<int>::max()))
    return std::nullopt;
  // The kernel checks one character after the count.
  if (!text.empty() && text[0] != '\n') return std::nullopt;
  const auto start = CheckedMul(*sector, kSector);
  if (!start || !CheckedAdd(*start, *count * kSector)) return std::nullopt;
  return Range{*start, *count * kSector};
}

}  // namespace

std::string FormatBadblocks(const std::vector<Range>& bad) {
  std::string text;
  for (const Range& sectors : ToSectors(bad))
    for (uint64_t first = sectors.start; first < sectors.end(); first += kMaxCount) {
      const std::string line =
          absl::StrCat(first, " ", std::min(kMaxCount, sectors.end() - first), "\n");
      if (text.size() + line.size() > kPage) return text;
      text += line;
    }
  return text;
}

size_t CountBadblocks(const std::vector<Range>& bad) {
  size_t count = 0;
  for (const Range& sectors : ToSectors(bad)) count += (sectors.size + kMaxCount - 1) / kMaxCount;
  return count;
}

absl::StatusOr<Range> ParseBadblock(absl::string_view text) {
  if (const auto range = BadRangeOf(text)) return *range;
  return Refusal(EINVAL, "badblocks.syntax",
                 "write the first bad 512-byte sector and a count of at least 1, such as: 2048 8");
}

}  // namespace nvdimmfs::core
