// SPDX-License-Identifier: Apache-2.0
// Surveys one arena by reading its whole map and flog: which sector or lane claims each block, and
// what contradicts that. Read-only. check reports it, repair acts on it, and opening an arena
// decides by it whether the arena may be written to.
//
// Cost: one pass over the map (two if blocks are claimed twice), and one bit of memory per block.
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

// A sector and the block it should get: from an interrupted write, or from the flog.
struct Move {
  uint32_t lane = 0;
  uint32_t premap = 0;
  uint32_t block = 0;
};

// A sector and its map entry on media.
struct SectorClaim {
  uint32_t premap = 0;
  uint32_t raw = 0;
};

// A block that more than one sector or lane claims.
struct Conflict {
  std::vector<SectorClaim> sectors;  // ascending
  std::vector<uint32_t> lanes;       // lanes that claim it as their free block
};

struct ArenaSurvey {
  std::vector<core::Finding> findings;

  FlogPair pair = kNewPadding;
  FlogEvidence evidence;  // of the lanes with a sound group
  // Lanes with a pair of invalid order or contents: each must get a lost block.
  std::vector<uint32_t> broken_lanes;
  // Interrupted writes: logged, but not yet in the map. None of them contradicts another claim.
  std::vector<Move> pending;
  // Sectors without a usable entry, ascending: out of range, and on bad media.
  std::vector<SectorClaim> out_of_range;
  std::vector<uint32_t> unreadable;
  std::vector<std::pair<uint32_t, Conflict>> conflicts;  // by block, ascending
  // Sectors that were never written according to the map, but that the flog has in a block that has
  // no other claim.
  std::vector<Move> overruled;
  bool too_many = false;      // at least one list above is incomplete
  std::vector<bool> claimed;  // by block
  uint64_t lost_blocks = 0;   // without a claim

  // Whether map and flog contradict each other or themselves: then a write may destroy another
  // sector's data, or the evidence of which sector owns a block. (Pending writes and losses to bad
  // media are not contradictions.)
  bool contradictory() const {
    return !conflicts.empty() || !out_of_range.empty() || !overruled.empty() || too_many;
  }
  bool damaged() const { return contradictory() || !broken_lanes.empty() || !unreadable.empty(); }
};

// The first contradiction of a contradictory survey, as a sentence.
std::string WorstOf(const ArenaSurvey& survey);

// "sector 5", "sectors 5 to 9".
std::string SectorRange(uint32_t first, uint32_t last);

// Returns refusals of the media other than poison.
absl::StatusOr<ArenaSurvey> SurveyArena(const core::Media& ns, const ArenaGeometry& arena);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_SURVEY_H_
