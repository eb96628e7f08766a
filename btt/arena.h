// SPDX-License-Identifier: Apache-2.0
// An open arena: reads, writes and discards of its sectors.
//
// Invariant, at every moment and after every power cut: the blocks that the map names and the free
// blocks that the newest flog entries name are a permutation of all blocks, so no two sectors share
// a block.
//
// Life of a write of k sectors (btt_format.md, "Writing"), k at most kMostBatch:
//   take k lanes · data to their free blocks · lock shards · read old entries · first halves of the
//   flog entries · DRAIN · second halves · DRAIN · map entries, generations · DRAIN · release all
//
// Lock order: lanes, then shards in ascending order; media I/O happens under both.
// Thread rules: Open from one thread; everything else from any thread.
#ifndef NVDIMMFS_BTT_ARENA_H_
#define NVDIMMFS_BTT_ARENA_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "btt/flog.h"
#include "btt/flog_reader.h"
#include "btt/geometry.h"
#include "btt/lanes.h"
#include "btt/map_entry.h"
#include "btt/shards.h"
#include "core/media/direct_view.h"
#include "core/media/media.h"

namespace nvdimmfs::btt {

class Arena {
 public:
  // The most sectors that share three drains.
  static constexpr uint32_t kMostBatch = 32;

  struct Options {
    bool read_only = false;      // store nothing, not even what recovery would
    bool error_flagged = false;  // the info block has the error flag: reads only
    std::string name = {};       // of the device, for events
  };

  // Maps up to this size are surveyed when the arena is opened, larger ones before the first write.
  static constexpr uint64_t kSurveyedAtOnce = uint64_t{64} << 20;  // bytes

  // Reads the flog, rolls interrupted writes forward and builds the lanes. If map and flog
  // contradict each other, the arena is read-only, and damage() says why. Refused with the media's
  // error; unless read-only, also with "btt.flog.*" if the flog is invalid. Memory: per lane, plus
  // one bit per block while the map is surveyed.
  static absl::StatusOr<std::unique_ptr<Arena>> Open(std::shared_ptr<core::Media> ns,
                                                     const ArenaGeometry& geometry,
                                                     const Options& options);

  const ArenaGeometry& geometry() const { return geometry_; }
  uint32_t sector_size() const { return sector_size_; }
  uint32_t sectors() const { return geometry_.external_nlba; }
  // The padding of its flog.
  FlogPair padding() const { return pair_; }
  // Whether its info block has the error flag.
  bool error_flagged() const { return error_flagged_; }
  bool writable() const { return !frozen_.load(std::memory_order_acquire); }
  // Why the arena must be repaired before it is written to: a sentence; empty if no damage is
  // known.
  std::string damage() const;

  // Reads a part of one sector, from byte `skip` on.
  absl::Status Read(uint32_t premap, uint32_t skip, absl::Span<std::byte> out);
  // Reads whole consecutive sectors, each as Read does.
  absl::Status ReadRun(uint32_t premap, absl::Span<std::byte> out);
  // Writes whole consecutive sectors; each is old or new, whatever happens. After an error, the
  // sectors before the failing batch are new.
  absl::Status Write(uint32_t premap, absl::Span<const std::byte> data);
  // Writes a part of one sector, under its lock.
  absl::Status WritePart(uint32_t premap, uint32_t skip, absl::Span<const std::byte> data);
  // Makes the sectors read as zeros. Stores one map entry each; the sectors keep their blocks.
  absl::Status SetZero(uint32_t premap, uint32_t count);
  // Makes sectors read as zeros if their blocks fill pages that the media can free
  // (core/media/page_holes.h). Durable after the media's Flush; until then each sector is old or
  // zero. For all other sectors it calls `rest`, in runs, until that fails.
  using Rest = absl::FunctionRef<absl::Status(uint32_t premap, uint32_t count)>;
  absl::Status GiveBack(uint32_t premap, uint32_t count, Rest rest);
  // Whether all of the sectors, at most kMostLookedAt, read as zeros at this moment. Does not fill
  // holes of a file. False if one cannot be read.
  bool HoldsZeros(uint32_t premap, uint32_t count) const;
  static constexpr uint32_t kMostLookedAt = 64;
  // Whether reading the sector's data would fail: its bytes are known bad, or it is marked as lost.
  bool IsBad(uint32_t premap) const;

 private:
  // One sector of a batch in flight.
  struct Pending {
    HeldLane lane;
    MapEntry old{0, 0};
  };
  using Batch = absl::Span<Pending>;
  // A block and its sector.
  struct Owner {
    uint32_t block;
    uint32_t premap;
  };

  Arena(std::shared_ptr<core::Media> ns, const ArenaGeometry& geometry, const Options& options);

  absl::Status Recover();
  void Judge() ABSL_LOCKS_EXCLUDED(judge_mutex_);
  void SetDamage(std::string sentence) ABSL_LOCKS_EXCLUDED(judge_mutex_);
  absl::Status RefuseUnlessSound() ABSL_LOCKS_EXCLUDED(judge_mutex_);
  void MendFreeLanes();
  absl::Status LoadLanes(const FlogImage& flog);
  absl::Status AdoptLane(uint32_t lane, const LaneRecord& record);
  absl::Status RollForward(uint32_t lane, const LaneRecord& record);
  void MendLane(uint32_t lane);

  void PrefetchMap(uint32_t premap) const;
  const std::byte* PlaceOf(uint32_t premap) const;
  // `next`: what to prefetch meanwhile (core/media/copy_ahead.h); null: nothing.
  bool ReadDirect(uint32_t premap, uint32_t skip, absl::Span<std::byte> out,
                  const std::byte* next) const;
  absl::StatusOr<MapEntry> LoadMap(uint32_t premap) const;
  [[gnu::noinline]] absl::Status ReadThroughMedia(uint32_t premap, uint32_t skip,
                                                  absl::Span<std::byte> out);
  absl::Status ReadOnce(uint32_t premap, MapEntry entry, uint32_t skip,
                        absl::Span<std::byte> out) const;
  absl::Status ReadLocked(uint32_t premap, uint32_t skip, absl::Span<std::byte> out);
  void MarkBad(uint32_t premap, uint32_t seen_raw);

  absl::Status CheckWritable() { return writable() ? absl::OkStatus() : RefuseUnlessSound(); }
  absl::StatusOr<HeldLane> AcquireLane();
  bool MakeUsable(HeldLane& lane);
  absl::Status CleanFreeBlock(LaneState& lane);
  absl::StatusOr<size_t> GatherLanes(Batch wanted);
  absl::Status StoreBlock(const LaneState& lane, absl::Span<const std::byte> sector);
  template <uint32_t kMost>
  absl::StatusOr<uint32_t> WriteBatch(uint32_t premap, absl::Span<const std::byte> data);
  absl::Status LoadOld(uint32_t premap, Batch& batch) const;
  absl::Status Commit(uint32_t premap, Batch batch);
  absl::Status LogFirstHalves(uint32_t premap, Batch batch);
  absl::Status LogSecondHalves(Batch batch);
  absl::Status SwitchMap(uint32_t premap, Batch batch);
  uint64_t SlotAt(const HeldLane& lane) const;
  static void TurnLanes(Batch batch);
  void MendLanes(Batch batch);
  absl::Status ZeroUnderLock(uint32_t premap, uint32_t count);
  uint32_t BlocksInAHole() const;
  std::vector<Owner> OwnersOf(uint32_t premap, uint32_t count) const;
  size_t WholePages(absl::Span<const Owner> owners, uint32_t per_hole) const;
  bool Punch(absl::Span<const Owner> run);
  void TellOpening() const;
  void TellReadOnly(absl::string_view reason, absl::string_view why) const;
  uint32_t RunFrom(uint32_t premap, MapEntry first, uint32_t most) const;
  absl::Status Freeze(const absl::Status& cause);

  const std::shared_ptr<core::Media> ns_;
  const core::DirectView view_;  // of ns_
  const ArenaGeometry geometry_;
  const uint32_t sector_size_;
  const bool read_only_;
  const bool error_flagged_;
  const std::string name_;
  uint32_t rolled_forward_ = 0;  // writes that opening completed
  FlogPair pair_ = kNewPadding;
  // Writes are refused: read-only, flagged, damaged, not yet surveyed, or after a metadata error.
  std::atomic<bool> frozen_;
  std::atomic<bool> gives_nothing_back_{false};  // the media has said so
  mutable absl::Mutex judge_mutex_;
  bool unjudged_ ABSL_GUARDED_BY(judge_mutex_) = false;  // the first write surveys the map
  std::string damage_ ABSL_GUARDED_BY(judge_mutex_);
  LanePool lanes_;
  ShardTable shards_;
};

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_ARENA_H_
