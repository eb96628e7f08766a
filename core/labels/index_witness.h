// SPDX-License-Identifier: Apache-2.0
// What a damaged index block was: as its checksum proves, or as it says itself. Rules:
// label_format.md, "Repair". Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_INDEX_WITNESS_H_
#define NVDIMMFS_CORE_LABELS_INDEX_WITNESS_H_

#include <cstddef>
#include <optional>

#include "absl/types/span.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_index.h"
#include "core/labels/slot_survey.h"

namespace nvdimmfs::core {

// The one index whose checksum is the stored one, given the bytes that are left of `block`, which
// lies at `position` (0 or 1). Of several, the one that fits the slots, where that is one; else
// nothing. `labels` are those of the slots, in slot order.
std::optional<LabelIndex> ProvenIndex(absl::Span<const std::byte> block,
                                      const LabelGeometry& geometry, int position,
                                      absl::Span<const SlotLabel> labels);

// The index of a block whose checksum alone is wrong, where it fits the slots: no proof, but better
// than nothing.
std::optional<LabelIndex> HintedIndex(absl::Span<const std::byte> block,
                                      const LabelGeometry& geometry, int position,
                                      absl::Span<const SlotLabel> labels);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_INDEX_WITNESS_H_
