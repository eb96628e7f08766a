// SPDX-License-Identifier: Apache-2.0
// Reconstructs the damaged label of a slot in use: from its checksum, or from the copy that its
// last update left in a free slot. Rules: label_format.md, "Repair". Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_LOST_LABEL_H_
#define NVDIMMFS_CORE_LABELS_LOST_LABEL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/labels/label_version.h"
#include "core/labels/slot_survey.h"

namespace nvdimmfs::core {

class LostLabels {
 public:
  struct Found {
    SlotLabel label;
    absl::string_view how;  // "its checksum ...", for a report
  };

  // `live` are the valid labels in use, `stale` those in free slots. Searches for labels of
  // `version` that do not extend past the DIMM's `capacity` bytes (0: unknown).
  LostLabels(const LabelVersion& version, uint64_t capacity, std::vector<SlotLabel> live,
             std::vector<SlotLabel> stale);

  // The original label of `slot`, given its damaged `bytes`; nothing if it cannot be determined.
  std::optional<Found> Find(absl::Span<const std::byte> bytes, uint32_t slot) const;
  // The label in use that has the same uuid or overlaps `label`; null if there is none.
  const SlotLabel* InTheWay(const SlotLabel& label) const;
  // `label` is in use in `label.slot` from now on.
  void Restored(SlotLabel label);

 private:
  std::optional<SlotLabel> VouchedFor(absl::Span<const std::byte> bytes, uint32_t slot) const;
  std::optional<SlotLabel> CopyOf(absl::Span<const std::byte> bytes) const;

  const LabelVersion& version_;
  const uint64_t capacity_;
  std::vector<SlotLabel> live_, stale_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LOST_LABEL_H_
