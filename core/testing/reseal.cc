// SPDX-License-Identifier: Apache-2.0
#include "core/testing/reseal.h"

#include "core/base/endian.h"
#include "core/base/fletcher64.h"
#include "core/info_blocks/info_block_format.h"
#include "core/labels/label_format.h"
#include "core/labels/label_geometry.h"

namespace nvdimmfs::core {
namespace {

void Reseal(absl::Span<std::byte> bytes, size_t checksum_at) {
  StoreLe(bytes.data() + checksum_at, Fletcher64(bytes, checksum_at));
}

}  // namespace

void ResealLabels(absl::Span<std::byte> area, uint32_t label_size, size_t touched) {
  const auto geometry = LabelGeometry::For(area.size(), label_size);
  if (!geometry) return;
  for (int position : {0, 1})
    Reseal(area.subspan(geometry->index_offset(position), geometry->index_size),
           offsetof(IndexBlock, checksum));
  if (label_size != kLabelSizeV1_2) return;
  for (uint32_t slot = 0; slot < geometry->slot_count; ++slot) {
    if (geometry->slot_offset(slot) >= touched) return;
    Reseal(area.subspan(geometry->slot_offset(slot), label_size),
           offsetof(NamespaceLabelV1_2, checksum));
  }
}

void ResealInfoBlock(absl::Span<std::byte> block) {
  Reseal(block.first(sizeof(InfoBlock)), offsetof(InfoBlock, checksum));
}

}  // namespace nvdimmfs::core
