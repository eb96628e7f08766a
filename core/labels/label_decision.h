// SPDX-License-Identifier: Apache-2.0
// Which of the labels in the slots are in use, where no index says it. Pure; no I/O.
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
  std::vector<const SlotLabel*> used;  // no two of one namespace, no two that overlap
  std::vector<std::string> notes;      // what was taken for deleted, and what may have been
  // Where it is not empty nothing may be written: the pairs of labels of which one is in use, and
  // no evidence says which.
  std::vector<std::string> undecided;
};

// The evidence that a label is in use, the strongest first: a bitmap of `hints` has it in use
// (index blocks whose checksum fails and whose other fields are right, the newer first); its
// namespace has a label that is marked as being updated, which is what was written last. A label
// that nothing speaks against is in use: a namespace that was deleted comes back at worst.
// `elsewhere` as in LabelRepairOptions.
LabelDecision DecideLabels(absl::Span<const SlotLabel> labels, absl::Span<const LabelIndex> hints,
                           const std::optional<absl::flat_hash_set<Uuid>>& elsewhere,
                           absl::string_view source);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_DECISION_H_
