// SPDX-License-Identifier: Apache-2.0
#include "core/listing/bad_range_listing.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kUnit = 512;

}  // namespace

std::vector<BadRange> ReadBadRanges(const DeviceView& region) {
  std::vector<BadRange> ranges;
  // Lines "first count" in ascending order. Read line by line, so the length does not matter.
  for (const Attribute& attribute : region.device().attributes()) {
    if (attribute.name != "badblocks") continue;
    const auto text = attribute.show(region.device());
    if (!text.ok()) return {};
    for (const absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
      const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, ' ');
      BadRange range;
      if (absl::SimpleAtoi(parts.first, &range.offset) &&
          absl::SimpleAtoi(parts.second, &range.length))
        ranges.push_back(range);
    }
  }
  return ranges;
}

std::vector<BadRange> PartOf(const std::vector<BadRange>& ranges, const Range& part) {
  const uint64_t first = part.start / kUnit;
  const uint64_t end = first + part.size / kUnit;
  std::vector<BadRange> inside;
  for (const BadRange& range : ranges) {
    const uint64_t from = std::max(range.offset, first);
    const uint64_t to = std::min(range.offset + range.length, end);
    if (from < to) inside.push_back({from - first, to - from});
  }
  return inside;
}

void AddBadRanges(const std::vector<BadRange>& ranges, const DeviceView& region, bool with_list,
                  Json& json) {
  if (ranges.empty()) return;
  Json dimms = Json::EmptyArray();
  if (region.Number("mappings") == 1) {
    const std::vector<std::string> parts =
        absl::StrSplit(region.Text("mapping0").value_or(""), ',');
    dimms.push_back(parts[0]);
  }
  uint64_t count = 0;
  Json list = Json::EmptyArray();
  for (const BadRange& range : ranges) {
    count += range.length;
    Json entry = {{"offset", range.offset}, {"length", range.length}};
    if (!dimms.empty()) entry["dimms"] = dimms;
    list.push_back(std::move(entry));
  }
  json["badblock_count"] = count;
  if (with_list) json["badblocks"] = std::move(list);
}

}  // namespace nvdimmfs::core
