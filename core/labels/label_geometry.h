// SPDX-License-Identifier: Apache-2.0
// How a label area of a given size is divided into two index blocks and slots: pure arithmetic.
// Formulas and a table: label_format.md, "Geometry".
#ifndef NVDIMMFS_CORE_LABELS_LABEL_GEOMETRY_H_
#define NVDIMMFS_CORE_LABELS_LABEL_GEOMETRY_H_

#include <cstdint>
#include <optional>

namespace nvdimmfs::core {

struct LabelGeometry {
  uint64_t area_size = 0;   // bytes
  uint32_t label_size = 0;  // bytes: 128 or 256
  uint64_t index_size = 0;  // bytes of one index block, a multiple of 256
  uint32_t slot_count = 0;  // in a new index; an existing one may state fewer

  // Nothing if two index blocks and two labels do not fit, or the size of the area does not fit in
  // the 32 bits of the size commands.
  static std::optional<LabelGeometry> For(uint64_t area_size, uint32_t label_size);

  uint64_t index_offset(int position) const { return position == 0 ? 0 : index_size; }
  uint64_t label_offset() const { return 2 * index_size; }
  uint64_t slot_offset(uint32_t slot) const { return label_offset() + uint64_t{slot} * label_size; }
  uint64_t bitmap_size() const;  // bytes, to the end of the index block

  friend bool operator==(const LabelGeometry&, const LabelGeometry&) = default;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_GEOMETRY_H_
