// SPDX-License-Identifier: Apache-2.0
// Decides which labels in the slots are in use if there is no valid index. Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_DECISION_H_
#define NVDIMMFS_CORE_LABELS_LABEL_DECISION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/finding.h"
#include "core/base/uuid.h"
#include "core/labels/label_index.h"
#include "core/labels/slot_survey.h"

namespace nvdimmfs::core {

struct LabelDecision {
  std::vector<const SlotLabel*> used;  // at most one per namespace, no two overlap
  std::vector<std::string> notes;      // labels considered deleted, and those that may be
  // Pairs of labels of which only one can be in use, without evidence which one. If not empty, the
  // caller must not write.
  std::vector<std::string> undecided;
};

// The evidence that a label is in use, strongest first: a bitmap in `hints` marks it as used (index
// blocks in which only the checksum is wrong, the newer first); a label of its namespace with the
// same content is marked as updating, so it was written last; it is not marked itself. A label
// without evidence against it is in use: at worst, a deleted namespace comes back. `elsewhere` as
// in LabelRepairOptions.
LabelDecision DecideLabels(absl::Span<const SlotLabel> labels, absl::Span<const LabelIndex> hints,
                           const std::optional<absl::flat_hash_set<Uuid>>& elsewhere,
                           absl::string_view source);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_DECISION_H_
