// SPDX-License-Identifier: Apache-2.0
// Reconstructs a damaged index block: from its checksum (proof), or from its own fields (hint).
// Rules: label_format.md, "Repair". Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_INDEX_WITNESS_H_
#define NVDIMMFS_CORE_LABELS_INDEX_WITNESS_H_

#include <cstddef>
#include <optional>

#include "absl/types/span.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_index.h"
#include "core/labels/slot_survey.h"

namespace nvdimmfs::core {

// The index that matches the stored checksum, given the remaining bytes of `block`, which is at
// `position` (0 or 1). If several match, the only one that fits the slots, else nothing. `labels`
// are those in the slots, in slot order.
std::optional<LabelIndex> ProvenIndex(absl::Span<const std::byte> block,
                                      const LabelGeometry& geometry, int position,
                                      absl::Span<const SlotLabel> labels);

// The index of a block in which only the checksum is wrong, if it fits the slots: not a proof, but
// better than nothing.
std::optional<LabelIndex> HintedIndex(absl::Span<const std::byte> block,
                                      const LabelGeometry& geometry, int position,
                                      absl::Span<const SlotLabel> labels);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_INDEX_WITNESS_H_
