// Whether a namespace's BTT is sound: all of it, read-only. And finding out which BTT it is.
//
// Findings (offsets are bytes from the start of the namespace):
//   btt.info.*          no first info block, or one that cannot be relied upon
//   btt.info.backup     an arena's copy of its info block differs or cannot be read
//   btt.info.chain      a later arena cannot be reached
//   btt.info.flags      the arena is flagged read-only
//   btt.info.uuid       an arena belongs to another BTT
//   btt.info.lbasize    an arena's block size is not arena 0's
//   btt.info.unused     16 MiB or more of the namespace are in no arena
//   btt.flog.*          padding, seq, range, unreadable, shared (free block)
//   btt.flog.pending    an interrupted write; the next opening finishes it
//   btt.map.*           range, shared, unreadable, error (marked sectors)
//   btt.map.initial     sectors that the map has as never written, and others' claims or the flog
//                       as written
//   btt.block.lost      blocks that nobody claims
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

// The version whose first info block is valid, or was: then a copy of it must be where the size of
// the namespace says; or at least what is there has the signature, and the namespace as its parent.
// v1.1 is looked for first. Nothing where there is no trace of a BTT.
std::optional<Version> Detect(const core::Media& ns, const core::Uuid& parent_uuid);

// Empty where the BTT is sound. A namespace without a BTT gives one finding, "btt.info.signature"
// or so. Media errors other than poison become a finding with the media's own reason.
std::vector<core::Finding> Check(const core::Media& ns, Version version,
                                 const core::Uuid& parent_uuid);

// Takes what repair is about to overwrite, before it does. An error stops the repair.
using SaveCopy = std::function<absl::Status(uint64_t offset, absl::Span<const std::byte> bytes)>;

struct RepairReport {
  std::vector<core::Finding> done;   // what was mended, at the place that was written
  std::vector<core::Finding> left;   // Check, afterwards
  std::vector<core::Finding> notes;  // what that costs and saves, an arena each
};

// Mends what the evidence decides (weigh.h), and never makes a sector unreadable whose data it
// holds:
//   · a lost info block from its copy, and a lost copy from its block; with several arenas also
//     arena 0's from the geometry and another arena's identity
//   · interrupted writes are rolled forward
//   · sectors whose entries are damaged get the block that the flog has them written to, or the
//     only one that can be theirs; else a lost block in the error state: they read EIO until
//     written
//   · sectors that explicitly name one block all go on to read it
//   · lanes without a sound flog group or a block of their own get a lost block
//   · the read-only flag goes when nothing contradicts itself any more
// Crash-safe: evidence is followed first, by single stores; while lost blocks are given out the
// arena is flagged read-only, and a repair that was cut is finished by the next one. Refused where
// the media is read-only (EROFS) or holds no trace of a BTT (ENODEV).
absl::StatusOr<RepairReport> Repair(core::Media& ns, Version version, const core::Uuid& parent_uuid,
                                    const SaveCopy& save);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_CHECK_H_
