// SPDX-License-Identifier: Apache-2.0
#include "core/labels/blank_area.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/endian.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"
#include "core/labels/label_index.h"
#include "core/labels/label_versions.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kPiece = 64 * 1024;
constexpr uint64_t kLookedAt = 16 * 1024 * 1024;

absl::Status Damaged(uint64_t first) {
  return Refusal(
      EUCLEAN, "label.area.damaged",
      absl::StrCat("the label area has no valid index block, and is not blank (byte ", first,
                   " is not zero): its labels are not read, and it is not taken "
                   "into use"));
}

absl::Status Unreadable(const absl::Status& why) {
  return Refusal(
      EUCLEAN, "label.area.unreadable",
      absl::StrCat("the label area has no valid index block, and it is unknown whether it is "
                   "blank: ",
                   why.message()));
}

// The offset of the first non-zero byte in `range`.
absl::StatusOr<std::optional<uint64_t>> FirstNonZero(const Media& media, const Range& range) {
  const std::vector<std::byte> zeros(kPiece);
  std::vector<std::byte> piece;
  for (uint64_t at = range.start; at < range.end(); at += piece.size()) {
    piece.resize(std::min<uint64_t>(kPiece, range.end() - at));
    RETURN_IF_ERROR(media.Peek(at, absl::MakeSpan(piece)));
    if (std::memcmp(piece.data(), zeros.data(), piece.size()) == 0) continue;
    const auto found = std::find_if(piece.begin(), piece.end(),
                                    [](std::byte byte) { return byte != std::byte{0}; });
    return at + static_cast<uint64_t>(found - piece.begin());
  }
  return std::nullopt;
}

// Whether `found`, the bytes of block 0, may be what a power cut left of the first store of an
// Initialise: words of `fresh`, which is first stored without its signature, and zeros.
bool IsPartOf(absl::Span<const std::byte> found, absl::Span<const std::byte> fresh) {
  bool complete = true;
  for (size_t at = 0; at < found.size(); at += sizeof(uint64_t)) {
    const auto word = LoadLe<uint64_t>(found.data() + at);
    const bool is_fresh = word == LoadLe<uint64_t>(fresh.data() + at);
    if (word != 0 && !is_fresh) return false;
    if (at < kIndexSignature.size()) complete = complete && is_fresh;
  }
  return !complete;
}

// The first byte that a blank area, or an interrupted Initialise, cannot have.
absl::StatusOr<std::optional<uint64_t>> FirstForeign(const Media& media) {
  const Range looked_at = {0, std::min(media.size(), kLookedAt)};
  ASSIGN_OR_RETURN(const std::optional<uint64_t> first, FirstNonZero(media, looked_at));
  for (const LabelVersion* version : LabelVersions()) {
    const auto geometry = LabelGeometry::For(media.size(), version->label_size());
    if (!first || !geometry || *first >= geometry->index_size) continue;
    std::vector<std::byte> block(geometry->index_size);
    RETURN_IF_ERROR(media.Peek(0, absl::MakeSpan(block)));
    if (!IsPartOf(block, FreshIndexBlock(*geometry, *version))) continue;
    const Range behind = {block.size(), looked_at.size - block.size()};
    ASSIGN_OR_RETURN(const std::optional<uint64_t> other, FirstNonZero(media, behind));
    if (!other) return other;
  }
  return first;
}

}  // namespace

BlankVerdict LookForBlank(const Media& media) {
  const auto first = FirstForeign(media);
  if (!first.ok()) return {Unreadable(first.status()), 0};
  if (!*first) return {absl::OkStatus(), 0};
  return {Damaged(**first), **first};
}

absl::Status CheckRestBlank(const Media& media) {
  if (media.size() <= kLookedAt) return absl::OkStatus();
  const auto first = FirstNonZero(media, {kLookedAt, media.size() - kLookedAt});
  if (!first.ok()) return Unreadable(first.status());
  return *first ? Damaged(**first) : absl::OkStatus();
}

std::vector<std::byte> FreshIndexBlock(const LabelGeometry& geometry, const LabelVersion& version) {
  LabelIndex fresh = LabelIndex::Fresh(geometry, version);
  fresh.set_sequence(kFirstSequence);
  return fresh.Encode(geometry, 0);
}

}  // namespace nvdimmfs::core
