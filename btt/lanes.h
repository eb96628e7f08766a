// SPDX-License-Identifier: Apache-2.0
// The lanes of one arena: which writer may use which flog group.
//
// A lane is one free block and one flog group. Between acquiring and releasing it, one writer owns
// it, as a move-only value whose destructor gives it back: a lane cannot leak, nor have two owners.
//
// Thread rules: any thread. Acquire blocks only while it holds nothing; a writer that wants several
// lanes takes the first with Acquire and the others with TryAcquire, so writers cannot deadlock.
#ifndef NVDIMMFS_BTT_LANES_H_
#define NVDIMMFS_BTT_LANES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace nvdimmfs::btt {

// The state of a lane; belongs to its holder.
struct LaneState {
  uint32_t free_block = 0;  // owned by no sector; a late reader may still read it, and will notice
  uint32_t seq = 0;         // for the next flog entry
  uint8_t position = 0;     // in the flog pair, of the slot to overwrite next
  bool free_block_is_bad = false;  // zero it, and clear its poison, before using it
};

class LanePool;

// A lane in use. Moved-from and empty ones convert to false.
class HeldLane {
 public:
  HeldLane() = default;
  HeldLane(HeldLane&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), index_(other.index_) {}
  HeldLane& operator=(HeldLane&& other) noexcept;
  HeldLane(const HeldLane&) = delete;
  HeldLane& operator=(const HeldLane&) = delete;
  ~HeldLane() { Release(); }

  explicit operator bool() const { return pool_ != nullptr; }
  uint32_t index() const { return index_; }
  LaneState& operator*() const;
  LaneState* operator->() const { return &**this; }

  void Release();
  // Takes the lane out of service until the arena is closed: its free block or its flog group
  // cannot be written.
  void Retire();

 private:
  friend class LanePool;
  HeldLane(LanePool* pool, uint32_t index) : pool_(pool), index_(index) {}

  LanePool* pool_ = nullptr;
  uint32_t index_ = 0;
};

class LanePool {
 public:
  // `count` lanes, at least 1, all in service and free.
  explicit LanePool(uint32_t count);

  // Waits for a lane; empty if every lane is out of service. Prefers the lane that this thread used
  // last, then the ones after it.
  HeldLane Acquire();
  // A lane, if one is free now.
  HeldLane TryAcquire();

  // Before the arena is shared: the state to start from.
  LaneState& Initial(uint32_t lane) { return lanes_[lane].state; }
  void RetireInitial(uint32_t lane);
  bool IsHeld(uint32_t lane) const { return lanes_[lane].held.load(std::memory_order_relaxed); }

  uint32_t count() const { return count_; }

 private:
  friend class HeldLane;
  struct alignas(64) Lane {
    std::atomic<bool> held{false};
    LaneState state;  // only the holder uses it
  };

  void Release(uint32_t lane);
  void Retire(uint32_t lane);

  const uint32_t count_;
  const std::unique_ptr<Lane[]> lanes_;
  std::atomic<uint32_t> in_service_;

  // Only for writers that found every lane held.
  std::atomic<uint32_t> waiters_{0};
  absl::Mutex mutex_;
  absl::CondVar released_;
};

inline LaneState& HeldLane::operator*() const { return pool_->lanes_[index_].state; }

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_LANES_H_
