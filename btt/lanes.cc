// SPDX-License-Identifier: Apache-2.0
#include "btt/lanes.h"

namespace nvdimmfs::btt {
namespace {

// Where this thread starts its search: spread out at first, then at its last lane, whose flog group
// is in its core's cache.
uint32_t& LaneHint() {
  static std::atomic<uint32_t> threads{0};
  thread_local uint32_t hint = threads.fetch_add(1, std::memory_order_relaxed);
  return hint;
}

}  // namespace

HeldLane& HeldLane::operator=(HeldLane&& other) noexcept {
  if (this != &other) {
    Release();
    pool_ = std::exchange(other.pool_, nullptr);
    index_ = other.index_;
  }
  return *this;
}

void HeldLane::Release() {
  if (LanePool* pool = std::exchange(pool_, nullptr)) pool->Release(index_);
}

void HeldLane::Retire() {
  if (LanePool* pool = std::exchange(pool_, nullptr)) pool->Retire(index_);
}

LanePool::LanePool(uint32_t count)
    : count_(count), lanes_(std::make_unique<Lane[]>(count)), in_service_(count) {}

void LanePool::RetireInitial(uint32_t lane) {
  lanes_[lane].held.store(true, std::memory_order_relaxed);
  in_service_.fetch_sub(1, std::memory_order_relaxed);
}

HeldLane LanePool::TryAcquire() {
  uint32_t& hint = LaneHint();
  uint32_t lane = hint < count_ ? hint : hint % count_;
  for (uint32_t tried = 0; tried < count_; ++tried) {
    std::atomic<bool>& held = lanes_[lane].held;
    if (!held.load(std::memory_order_relaxed) && !held.exchange(true, std::memory_order_acquire)) {
      hint = lane;
      return HeldLane(this, lane);
    }
    if (++lane == count_) lane = 0;
  }
  return HeldLane();
}

HeldLane LanePool::Acquire() {
  if (HeldLane lane = TryAcquire()) return lane;
  // Announce before looking again, so that a lane released after this look is signalled.
  waiters_.fetch_add(1, std::memory_order_seq_cst);
  HeldLane lane;
  {
    absl::MutexLock lock(&mutex_);
    while (!(lane = TryAcquire()) && in_service_.load(std::memory_order_seq_cst) > 0)
      released_.Wait(&mutex_);
  }
  waiters_.fetch_sub(1, std::memory_order_seq_cst);
  return lane;
}

void LanePool::Release(uint32_t lane) {
  lanes_[lane].held.store(false, std::memory_order_seq_cst);
  if (waiters_.load(std::memory_order_seq_cst) == 0) return;
  absl::MutexLock lock(&mutex_);
  released_.Signal();
}

void LanePool::Retire(uint32_t) {
  in_service_.fetch_sub(1, std::memory_order_seq_cst);
  if (waiters_.load(std::memory_order_seq_cst) == 0) return;
  absl::MutexLock lock(&mutex_);
  released_.SignalAll();
}

}  // namespace nvdimmfs::btt
