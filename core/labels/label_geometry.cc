// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_geometry.h"

#include "core/base/range.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {
namespace {

uint64_t IndexSizeFor(uint64_t slots) {
  return RoundUp(sizeof(IndexBlock) + (slots + 7) / 8, kIndexUnit);
}

}  // namespace

std::optional<LabelGeometry> LabelGeometry::For(uint64_t area_size, uint32_t label_size) {
  if (area_size > kMaxLabelArea) return std::nullopt;
  // The first guess lets the slots fill the whole area, so its index blocks are large enough; the
  // second makes them as small as the remaining slots allow.
  const uint64_t guess = 2 * IndexSizeFor(area_size / label_size);
  if (guess > area_size) return std::nullopt;
  const uint64_t slots = (area_size - guess) / label_size;
  if (slots < kMinSlots) return std::nullopt;
  return LabelGeometry{.area_size = area_size,
                       .label_size = label_size,
                       .index_size = IndexSizeFor(slots),
                       .slot_count = static_cast<uint32_t>(slots)};
}

uint64_t LabelGeometry::bitmap_size() const { return index_size - sizeof(IndexBlock); }

}  // namespace nvdimmfs::core
