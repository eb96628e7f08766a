// SPDX-License-Identifier: Apache-2.0
// What one label size makes of a label area without a valid index.
#ifndef NVDIMMFS_CORE_LABELS_AREA_READING_H_
#define NVDIMMFS_CORE_LABELS_AREA_READING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_index.h"
#include "core/labels/slot_survey.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

struct AreaReading {
  LabelGeometry geometry;
  std::vector<SlotLabel> labels;        // in slot order
  std::vector<std::byte> blocks[2];     // as they lie on media
  std::optional<LabelIndex> proven[2];  // index_witness.h

  // Whether the block at `position` still says that it is one.
  bool HasSignature(int position) const;
  // Those that index_witness.h hints at, the newer first.
  std::vector<LabelIndex> Hints() const;
};

// For each label size that fits in the area; never empty for one that LabelArea opens. No label
// reaches past `capacity` bytes of the DIMM (0: not known). Refused where the media refuses.
absl::StatusOr<std::vector<AreaReading>> ReadWithoutIndex(const Media& media, uint64_t capacity);

// The reading that finds most labels. `readings` is not empty.
const AreaReading& MostLabels(absl::Span<const AreaReading> readings);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_AREA_READING_H_
