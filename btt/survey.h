// Everything that can be said about one arena by reading all of its map and flog: who claims each
// block, and what contradicts that. Read-only; the ground on which check reports, repair acts and
// an opening decides whether the arena may be written to.
//
// Cost: one pass over the map (two where blocks are claimed twice), a bit a block in memory.
#ifndef NVDIMMFS_BTT_SURVEY_H_
#define NVDIMMFS_BTT_SURVEY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "btt/flog.h"
#include "btt/flog_evidence.h"
#include "btt/geometry.h"
#include "core/base/finding.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

// A sector and the block that is to be its: an interrupted write, or what the flog says.
struct Move {
  uint32_t lane = 0;
  uint32_t premap = 0;
  uint32_t block = 0;
};

// A sector and its map entry as it is on media.
struct SectorClaim {
  uint32_t premap = 0;
  uint32_t raw = 0;
};

// A block that more than one sector or lane takes for its own.
struct Conflict {
  std::vector<SectorClaim> sectors;  // ascending
  std::vector<uint32_t> lanes;       // whose free block it is
};

struct ArenaSurvey {
  std::vector<core::Finding> findings;

  FlogPair pair = kNewPadding;
  FlogEvidence evidence;  // of the lanes with a sound group
  // The order of a lane's pair, or its contents, make no sense: it must get a lost block.
  std::vector<uint32_t> broken_lanes;
  // Interrupted writes: logged, but not yet in the map. None contradicts another claim.
  std::vector<Move> pending;
  // Sectors without a usable entry, ascending: out of range, and on bad media.
  std::vector<SectorClaim> out_of_range;
  std::vector<uint32_t> unreadable;
  std::vector<std::pair<uint32_t, Conflict>> conflicts;  // by block, ascending
  // Sectors that the map has as never written, and the flog as written to a block that nobody else
  // claims.
  std::vector<Move> overruled;
  bool too_many = false;      // some list above stops before the end
  std::vector<bool> claimed;  // a bit a block
  uint64_t lost_blocks = 0;   // claimed by nobody

  // Whether map and flog contradict each other or themselves: then a write may destroy what another
  // sector holds, or what tells whose a block is. (Pending writes, and what is lost to bad media,
  // do not.)
  bool contradictory() const {
    return !conflicts.empty() || !out_of_range.empty() || !overruled.empty() || too_many;
  }
  bool damaged() const { return contradictory() || !broken_lanes.empty() || !unreadable.empty(); }
};

// Of a contradictory one: its first contradiction, in words, and how many findings there are.
std::string WorstOf(const ArenaSurvey& survey);

// "sector 5", "sectors 5 to 9".
std::string SectorRange(uint32_t first, uint32_t last);

// Passes on refusals of the media other than poison.
absl::StatusOr<ArenaSurvey> SurveyArena(const core::Media& ns, const ArenaGeometry& arena);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_SURVEY_H_
