// SPDX-License-Identifier: Apache-2.0
// A label area without a valid index, interpreted with one label size.
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
  std::vector<std::byte> blocks[2];     // as on media
  std::optional<LabelIndex> proven[2];  // index_witness.h

  // Whether the block at `position` still has its signature.
  bool HasSignature(int position) const;
  // The indexes that index_witness.h hints at, the newer first.
  std::vector<LabelIndex> Hints() const;
};

// One reading for each label size that fits in the area; never empty for an area that LabelArea
// opens. No label extends past the DIMM's `capacity` bytes (0: unknown). Fails as the media does.
absl::StatusOr<std::vector<AreaReading>> ReadWithoutIndex(const Media& media, uint64_t capacity);

// The reading with the most labels. `readings` is not empty.
const AreaReading& MostLabels(absl::Span<const AreaReading> readings);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_AREA_READING_H_
