// Whose a disputed block is, by the evidence on the media; and what is to be done about those for
// whom nothing is left. Reads only.
//
// Strongest first:
//   1. an explicit map entry (normal, zero or error)
//   2. the flog: a record names the sector and a block that nobody else claims
//   3. an initial map entry: the sector was never written, so its block never changed hands
// and of sectors without a usable entry: the flog, the one lost block that is one bit away from the
// entry, or the only block without an owner where there is only one sector without a block.
//
// A lane gives way to a sector that names its free block explicitly: what the sector reads now it
// reads afterwards. Two sectors that name one block explicitly both keep what they read: one the
// block, one a copy. An entry out of range that reads as zeros goes on to, whichever block it gets.
// A sector whose block is provably another's, and all that is known of its own is that it is lost,
// is in the error state afterwards.
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
  kFlog,       // gets the block to which the flog has it written
  kOneBit,     // gets the lost block that its entry misses by one bit
  kOnlyOwner,  // the one sector without a block gets the one block without an owner
  kCopy,       // gets a copy of the block that it shares with another
  kZeros,      // its block is another's, and reads as zeros: goes on to read as zeros
  kLost,       // error state, on a lost block
};

struct SectorMend {
  uint32_t premap = 0;
  Verdict verdict = Verdict::kLost;
  uint32_t entry = 0;   // of the map, as it is to be
  uint32_t before = 0;  // of kCopy: the block that is shared
  uint32_t other = 0;   // of kCopy: the sector that keeps it
};

struct LaneMend {
  uint32_t lane = 0;
  uint32_t block = 0;  // its free block from now on
};

struct RepairPlan {
  // By evidence alone. Each store makes the arena contradict itself less, and what it leaves is
  // decided as it was before.
  std::vector<SectorMend> told;
  // The rest takes lost blocks as they come, so that afterwards they tell nothing any more.
  std::vector<SectorMend> rest;
  std::vector<LaneMend> lanes;
};

// `interrupted`: an earlier repair may have given out lost blocks already. Then what is left of
// them decides nothing (kOneBit, kOnlyOwner). Refused where the media is, and with EIO,
// "btt.block.lost", where there are fewer lost blocks than owners in need.
absl::StatusOr<RepairPlan> Weigh(const core::Media& ns, const ArenaGeometry& arena,
                                 const ArenaSurvey& survey, bool interrupted);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_WEIGH_H_
