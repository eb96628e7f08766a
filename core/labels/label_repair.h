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
#include "core/media/media.h"

namespace nvdimmfs::core {

struct LabelRepairOptions {
  uint64_t capacity = 0;    // bytes of the DIMM: no label reaches past them; 0: not known
  bool expect_cxl = false;  // as LabelArea::Open
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
  std::vector<Finding> undecided;  // "label.undecided": what a person has to decide, and how
};

// Refused where the media refuses. A power cut at any step leaves an area of which another repair
// makes the same.
absl::StatusOr<LabelRepairReport> RepairLabelArea(const std::shared_ptr<Media>& area,
                                                  const LabelRepairOptions& options);

// Gives up one slot that is in the way of a repair: one in use whose label cannot be read is freed;
// where there is no index, the slot is filled with zeros. `keep` is called before anything is
// stored. Refused with EINVAL, "label.slot.range", with EBUSY, "label.slot.in_use", for a label
// that can be read, and with ENOENT, "label.slot.free", where nothing is in the way.
absl::Status GiveUpSlot(const std::shared_ptr<Media>& area, uint32_t slot,
                        const LabelRepairOptions& options,
                        const std::function<absl::Status()>& keep);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_REPAIR_H_
