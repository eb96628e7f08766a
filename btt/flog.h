// The flog: BTT's record of the one write in flight on each lane, and where its free block is kept.
//
// A lane owns one free block and a pair of flog slots. Data goes to the free block, then the older
// slot records (lba, old, new), then the map is switched. Whoever opens the arena next replays the
// newer slot of each pair, so a cut at any point leaves the old sector or the new one.
//
// Here: what the bytes mean. No I/O and no locking. Layout: btt_format.md, "Flog".
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

// Told from the contents of a whole log, or what could be read of it. Refused with ENXIO,
// "btt.flog.padding", where the groups contradict each other or use other slots.
absl::StatusOr<FlogPair> DetectPadding(absl::Span<const FlogGroup> groups);

// The padding of most groups that tell one, for logs that DetectPadding refuses; nothing where it
// is not most by far.
std::optional<FlogPair> LikelyPadding(absl::Span<const FlogGroup> groups);
// Whether a group that is not blank uses slots that the pair leaves empty, or leaves the pair's
// first one empty: no kernel starts with it.
bool MisusesSlots(const FlogGroup& group, FlogPair pair);

// 1 -> 2 -> 3 -> 1.
constexpr uint32_t NextSeq(uint32_t seq) { return seq == 3 ? 1 : seq + 1; }

// Which of the pair is newer, 0 or 1, from their sequence numbers. Refused with EIO,
// "btt.flog.seq", where no order can be told: equal, above 3, or both unused.
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

// Whether nothing was ever recorded in it: no group of a formatted log is so, unless it was erased.
bool IsBlank(const FlogGroup& group);

// A lane's group in a fresh log: lba = lane, old = new = external_nlba + lane, seq 1.
FlogGroup InitialGroup(uint32_t lane, uint32_t external_nlba);

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_FLOG_H_
