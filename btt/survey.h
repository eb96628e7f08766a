// Everything that can be said about one arena by reading all of it: who owns each block, and what
// contradicts that. Read-only; the ground on which check reports and repair acts.
//
// Cost: one pass over the map (two where blocks are owned twice), a bit a block in memory.
#ifndef NVDIMMFS_BTT_SURVEY_H_
#define NVDIMMFS_BTT_SURVEY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "btt/flog.h"
#include "btt/geometry.h"
#include "core/base/finding.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

// An interrupted write: logged, but not yet in the map.
struct PendingWrite {
  uint32_t lane = 0;
  uint32_t premap = 0;
  uint32_t new_block = 0;
};

struct ArenaSurvey {
  std::vector<core::Finding> findings;

  FlogPair pair = kNewPadding;
  // The order of a lane's pair, or its contents, or its block make no sense: it must get a lost
  // block.
  std::vector<uint32_t> broken_lanes;
  std::vector<PendingWrite> pending;
  // Sectors that own no block of their own: entry unreadable, out of range, or shared. Ascending.
  std::vector<uint32_t> homeless_sectors;
  // Sectors whose block is a lane's free block as well: it may have been overwritten since.
  std::vector<uint32_t> doubtful_sectors;
  bool too_many = false;  // homeless_sectors stops before the end
  // Sectors in the error state are a finding, and no damage.
  uint64_t error_sectors = 0;
  std::vector<bool> owned;  // a bit a block: owned by a sector or a lane that keeps it
  uint64_t lost_blocks = 0;

  // Whether the map and the flog contradict each other or themselves (pending writes do not).
  bool damaged() const { return !broken_lanes.empty() || !homeless_sectors.empty() || too_many; }
};

// Passes on refusals of the media other than poison.
absl::StatusOr<ArenaSurvey> SurveyArena(const core::Media& ns, const ArenaGeometry& arena);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_SURVEY_H_
