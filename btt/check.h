// SPDX-License-Identifier: Apache-2.0
// Checks a whole BTT without writing, finds out which BTT a namespace holds, and repairs one.
//
// Findings (offsets are bytes from the start of the namespace):
//   btt.info.*          no first info block, or one that is not reliable
//   btt.info.backup     an arena's copy of its info block differs or cannot be read
//   btt.info.chain      a later arena cannot be reached
//   btt.info.flags      the arena is flagged read-only
//   btt.info.uuid       an arena belongs to another BTT
//   btt.info.mixed      an arena's block size is not arena 0's
//   btt.info.unused     16 MiB or more of the namespace are in no arena
//   btt.flog.*          padding, seq, range, unreadable, shared (free block)
//   btt.flog.pending    an interrupted write; the next opening completes it
//   btt.map.*           range, shared, unreadable, error (marked sectors)
//   btt.map.initial     sectors never written according to the map, but written according to other
//                       claims or the flog
//   btt.block.lost      blocks that no sector and no lane claims
#ifndef NVDIMMFS_BTT_CHECK_H_
#define NVDIMMFS_BTT_CHECK_H_

#include <functional>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "btt/geometry.h"
#include "core/base/finding.h"
#include "core/base/uuid.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

// The version whose first info block is valid, or was valid: then its copy is where the size of the
// namespace puts it, or at least the damaged block has the signature and names the namespace as its
// parent. Looks for v1.1 first. Nothing if there is no trace of a BTT.
std::optional<Version> Detect(const core::Media& ns, const core::Uuid& parent_uuid);

// Empty if the BTT is sound. A namespace without a BTT gives one finding, such as
// "btt.info.signature". Media errors other than poison become a finding with the media's reason.
std::vector<core::Finding> Check(const core::Media& ns, Version version,
                                 const core::Uuid& parent_uuid);

// Receives the bytes that repair is about to overwrite. An error stops the repair.
using SaveCopy = std::function<absl::Status(uint64_t offset, absl::Span<const std::byte> bytes)>;

struct RepairReport {
  std::vector<core::Finding> done;   // what was mended, with the offsets that were written
  std::vector<core::Finding> left;   // Check, afterwards
  std::vector<core::Finding> notes;  // what the repair loses and saves, per arena
};

// Mends what the evidence decides (weigh.h). Never makes a sector unreadable whose data exists:
//   · a lost info block from its copy, and a lost copy from its block; with several arenas also
//     arena 0's from the geometry and another arena's identity
//   · interrupted writes are rolled forward
//   · sectors with damaged entries get the block that the flog names for them, or the only one that
//     can be theirs; failing that, a lost block in the error state: they read EIO until written
//   · sectors that explicitly name one block all keep reading it
//   · lanes without a sound flog group or a block of their own get a lost block
//   · the read-only flag is cleared once no contradiction is left
// Crash-safe: repair first follows the evidence, by single stores. While it gives out lost blocks,
// the arena is flagged read-only; the next repair completes one that was cut. Refused if the media
// is read-only (EROFS) or holds no trace of a BTT (ENODEV).
absl::StatusOr<RepairReport> Repair(core::Media& ns, Version version, const core::Uuid& parent_uuid,
                                    const SaveCopy& save);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_CHECK_H_
