// SPDX-License-Identifier: Apache-2.0
// Repairs a label area: index blocks from their checksum, their twin or the labels in the slots,
// and labels from their checksum or from the copy that an update left. Algorithm and proofs:
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
  uint64_t capacity = 0;  // bytes of the DIMM: no label extends past them; 0: unknown
  const LabelVersion* expected = &LabelV1_2();  // as LabelArea::Open
  // The namespaces with labels in use on the other DIMMs of the bus, if all of those DIMMs are
  // sound: a label of a set that none of them has does not count. Nothing: unknown.
  std::optional<absl::flat_hash_set<Uuid>> elsewhere;
  std::string source = "SOURCE";  // how the suggested commands name the source
  // Saves the whole area, piece by piece, before the first byte of it is overwritten.
  std::function<absl::Status(uint64_t offset, absl::Span<const std::byte> bytes)> save;
};

// Offsets are relative to the start of the area.
struct LabelRepairReport {
  std::vector<Finding> mended;     // the reason for the problem, and what was done
  std::vector<Finding> undecided;  // "label.undecided": what the user must decide, and how
};

// Fails as the media does. After a power cut at any step, another repair gives the same result.
absl::StatusOr<LabelRepairReport> RepairLabelArea(const std::shared_ptr<Media>& area,
                                                  const LabelRepairOptions& options);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_REPAIR_H_
