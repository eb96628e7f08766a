// SPDX-License-Identifier: Apache-2.0
#include "core/labels/index_pair.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/label_signature.h"
#include "core/labels/label_versions.h"

namespace nvdimmfs::core {

absl::StatusOr<IndexPair> IndexPair::Read(const Media& media, const LabelGeometry& geometry) {
  IndexPair pair{.geometry = geometry, .blocks = {}};
  std::vector<std::byte> block(geometry.index_size);
  for (const int position : {0, 1}) {
    const absl::Status read = media.Read(geometry.index_offset(position), absl::MakeSpan(block));
    if (!read.ok()) return Annotate(read, absl::StrCat("read label index block ", position));
    pair.blocks.push_back(LabelIndex::Parse(block, geometry, position));
  }
  return pair;
}

std::optional<int> IndexPair::current() const {
  const absl::StatusOr<LabelIndex>& first = blocks[0];
  const absl::StatusOr<LabelIndex>& second = blocks[1];
  if (first.ok() && second.ok()) return NewerIndex(first->sequence(), second->sequence());
  if (first.ok()) return 0;
  return second.ok() ? std::optional(1) : std::nullopt;
}

std::vector<LabelGeometry> LabelGeometries(uint64_t area_size) {
  std::vector<LabelGeometry> geometries;
  for (const uint32_t label_size : LabelSizes())
    if (const auto geometry = LabelGeometry::For(area_size, label_size))
      geometries.push_back(*geometry);
  return geometries;
}

bool HasLabelIndex(const Media& media) {
  for (const LabelGeometry& geometry : LabelGeometries(media.size())) {
    // Blocks take up to 1/1000 of an area, so a search of many places must not read them all.
    if (!HasIndexSignature(media, geometry.index_offset(0)) &&
        !HasIndexSignature(media, geometry.index_offset(1)))
      continue;
    const absl::StatusOr<IndexPair> pair = IndexPair::Read(media, geometry);
    if (pair.ok() && pair->current()) return true;
  }
  return false;
}

std::vector<uint64_t> LabelIndexOffsets(uint64_t size) {
  std::vector<uint64_t> offsets;
  for (const LabelGeometry& geometry : LabelGeometries(size))
    for (const int position : {0, 1}) offsets.push_back(geometry.index_offset(position));
  std::sort(offsets.begin(), offsets.end());
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
  return offsets;
}

}  // namespace nvdimmfs::core
