// SPDX-License-Identifier: Apache-2.0
// Mends a label area: index blocks from their checksum, their twin or the labels in the slots, and
// labels from their checksum or from the copy that an update left. Algorithm and proofs:
// label_format.md, "Repair".
#ifndef NVDIMMFS_CORE_LABELS_LABEL_REPAIR_H_
#define NVDIMMFS_CORE_LABELS_LABEL_REPAIR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/finding.h"
#include "core/base/uuid.h"
#include "core/labels/label_versions.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

struct LabelRepairOptions {
  uint64_t capacity = 0;  // bytes of the DIMM: no label reaches past them; 0: not known
  const LabelVersion* expected = &LabelV1_2();  // as LabelArea::Open
  // The namespaces that have labels in use on the other DIMMs of the bus, where all of those are
  // sound: no label of a set counts that the others do not know. Nothing: not known.
  std::optional<absl::flat_hash_set<Uuid>> elsewhere;
  std::string source = "SOURCE";  // as a word of the commands that decide
  // Keeps the whole area, piece by piece, before the first byte of it is overwritten.
  std::function<absl::Status(uint64_t offset, absl::Span<const std::byte> bytes)> save;
};

// Offsets count from the start of the area.
struct LabelRepairReport {
  std::vector<Finding> mended;     // the reason of what was wrong, and what was done
  std::vector<Finding> undecided;  // "label.undecided": what a user has to decide, and how
};

// Refused where the media refuses. A power cut at any step leaves an area of which another repair
// makes the same.
absl::StatusOr<LabelRepairReport> RepairLabelArea(const std::shared_ptr<Media>& area,
                                                  const LabelRepairOptions& options);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_REPAIR_H_
