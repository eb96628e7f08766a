// SPDX-License-Identifier: Apache-2.0
// The flog: the BTT's record of the one write in flight on each lane, and of the lane's free block.
//
// A lane owns one free block and a pair of flog slots. Data goes to the free block, then the older
// slot records (lba, old, new), then the map is switched. The next opening replays the newer slot
// of each pair, so a cut at any point leaves the old sector or the new one.
//
// This file interprets the bytes; it does no I/O and no locking. Layout: btt_format.md, "Flog".
#ifndef NVDIMMFS_BTT_FLOG_H_
#define NVDIMMFS_BTT_FLOG_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "btt/btt_format.h"

namespace nvdimmfs::btt {

// Which slots of each group are the pair: {0, 1}, or {0, 2} in logs of kernels before 4.15.
using FlogPair = std::array<uint8_t, 2>;
inline constexpr FlogPair kNewPadding = {0, 1};
inline constexpr FlogPair kOldPadding = {0, 2};

// Determined from the contents of a whole log, or of its readable part. Refused with ENXIO,
// "btt.flog.padding", if the groups contradict each other or use other slots.
absl::StatusOr<FlogPair> DetectPadding(absl::Span<const FlogGroup> groups);

// The padding of a large majority of the groups that show one, for logs that DetectPadding refuses;
// nothing without such a majority.
std::optional<FlogPair> LikelyPadding(absl::Span<const FlogGroup> groups);
// Whether a group that is not blank uses slots outside the pair, or leaves the pair's first slot
// empty: no kernel starts with it.
bool MisusesSlots(const FlogGroup& group, FlogPair pair);

// 1 -> 2 -> 3 -> 1.
constexpr uint32_t NextSeq(uint32_t seq) { return seq == 3 ? 1 : seq + 1; }

// Which of the pair is newer, 0 or 1, from their sequence numbers. Refused with EIO,
// "btt.flog.seq", if the order is undefined: equal, above 3, or both unused.
absl::StatusOr<int> NewerOf(uint32_t seq0, uint32_t seq1);

// What a group says about its lane.
struct LaneRecord {
  uint32_t lba = 0;        // premap
  uint32_t old_block = 0;  // the lane's free block
  uint32_t new_block = 0;
  bool old_had_error = false;  // E, and not Z, in old_map
  uint8_t newer = 0;           // position in the pair
  uint32_t seq = 0;            // of the newer
};
absl::StatusOr<LaneRecord> ReadLane(const FlogGroup& group, FlogPair pair);

// Whether nothing was ever recorded in it. In a formatted log, only an erased group is blank.
bool IsBlank(const FlogGroup& group);

// A lane's group in a fresh log: lba = lane, old = new = external_nlba + lane, seq 1.
FlogGroup InitialGroup(uint32_t lane, uint32_t external_nlba);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_FLOG_H_
