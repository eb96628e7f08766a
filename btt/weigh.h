// SPDX-License-Identifier: Apache-2.0
// Decides by the evidence on the media which sector or lane owns a disputed block, and what those
// get that are left without one. Reads only.
//
// Evidence, strongest first:
//   1. an explicit map entry (normal, zero or error)
//   2. the flog: a record names the sector and a block without another claim
//   3. an initial map entry: the sector was never written, so its block never changed hands
// For sectors without a usable entry: the flog, the one lost block that is one bit away from the
// entry, or the only block without an owner if only one sector is without a block.
//
// A lane gives way to a sector that names its free block explicitly, so that the sector keeps
// reading the same data. If two sectors name one block explicitly, both keep reading it: one gets
// the block, the other a copy. An entry out of range that reads as zeros keeps doing so, whichever
// block it gets. A sector whose block provably belongs to another, and whose own block is lost,
// ends in the error state.
#ifndef NVDIMMFS_BTT_WEIGH_H_
#define NVDIMMFS_BTT_WEIGH_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "btt/geometry.h"
#include "btt/survey.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

enum class Verdict {
  kFlog,       // gets the block that the flog names for it
  kOneBit,     // gets the lost block that its entry misses by one bit
  kOnlyOwner,  // the one sector without a block gets the one block without an owner
  kCopy,       // gets a copy of the block that it shares with another
  kZeros,      // its block belongs to another, and it reads as zeros: keeps doing so
  kLost,       // error state, on a lost block
};

struct SectorMend {
  uint32_t premap = 0;
  Verdict verdict = Verdict::kLost;
  uint32_t entry = 0;   // the new map entry
  uint32_t before = 0;  // kCopy: the shared block
  uint32_t other = 0;   // kCopy: the sector that keeps it
};

struct LaneMend {
  uint32_t lane = 0;
  uint32_t block = 0;  // its free block from now on
};

struct RepairPlan {
  // Decided by evidence alone. Each store removes a contradiction, and does not change how the rest
  // is decided.
  std::vector<SectorMend> told;
  // The rest takes any lost blocks, which are then no longer evidence.
  std::vector<SectorMend> rest;
  std::vector<LaneMend> lanes;
};

// `interrupted`: an earlier repair may have given out lost blocks already. Then the remaining ones
// prove nothing (kOneBit, kOnlyOwner). Refused with the media's error, and with EIO,
// "btt.block.none", if there are fewer lost blocks than sectors and lanes that need one.
absl::StatusOr<RepairPlan> Weigh(const core::Media& ns, const ArenaGeometry& arena,
                                 const ArenaSurvey& survey, bool interrupted);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_WEIGH_H_
