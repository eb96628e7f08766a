// SPDX-License-Identifier: Apache-2.0
// The map's locks, and the counters that let readers avoid them.
//
// Sixteen neighbouring map entries (one cache line) share a shard. A writer holds the shards of its
// sectors from reading the old entries until the new ones are durable. It stores an entry, then
// bumps the shard's generation; only then may the block that the entry named before be overwritten.
// So a reader that reads the generation, the entry and the data, in this order, and finds the
// generation unchanged, has read the block that the sector owned throughout.
//
// While blocks change in place (a hole is punched), the generations of their sectors are odd; a
// reader that finds one odd waits for the shard's lock.
//
// Thread rules: any thread. Several shards are locked in ascending order.
#ifndef NVDIMMFS_BTT_SHARDS_H_
#define NVDIMMFS_BTT_SHARDS_H_

#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"

namespace nvdimmfs::btt {

// A one-word lock. Not absl::Mutex, because Debian's build of it checks for deadlocks at every
// Lock, which costs as much as the rest of a write.
class ABSL_LOCKABLE ShardMutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    uint32_t free = kFree;
    if (!state_.compare_exchange_strong(free, kHeld, std::memory_order_acquire)) LockSlowly();
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) state_.notify_one();
  }

 private:
  static constexpr uint32_t kFree = 0, kHeld = 1, kAwaited = 2;
  void LockSlowly();
  std::atomic<uint32_t> state_{kFree};
};

class ABSL_SCOPED_LOCKABLE ShardMutexLock {
 public:
  explicit ShardMutexLock(ShardMutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~ShardMutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  ShardMutexLock(const ShardMutexLock&) = delete;
  ShardMutexLock& operator=(const ShardMutexLock&) = delete;

 private:
  ShardMutex& mutex_;
};

struct alignas(64) Shard {
  ShardMutex mutex;
  std::atomic<uint64_t> generation{0};

  static constexpr uint64_t kInPlace = 1;  // bit of a generation: its sectors' bytes are changing

  // Call after storing an entry of this shard. A full barrier: no later store to the freed block
  // may become visible before it.
  void Bump() { generation.fetch_add(2, std::memory_order_seq_cst); }
};

class ShardTable {
 public:
  // A power of two, independent of the number of sectors.
  static constexpr uint32_t kCount = 512;
  static constexpr uint32_t kEntriesPerLine = 16;

  Shard& Of(uint32_t premap) { return shards_[IndexOf(premap)]; }
  const Shard& Of(uint32_t premap) const { return shards_[IndexOf(premap)]; }
  static uint32_t IndexOf(uint32_t premap) { return premap / kEntriesPerLine % kCount; }

 private:
  friend class ShardLocks;
  friend class InPlaceLocks;
  std::array<Shard, kCount> shards_;
};

// Holds the shards of `count` consecutive sectors, locked in ascending order.
class ShardLocks {
 public:
  static constexpr uint32_t kMostSectors = 64;

  // `count` is 1..kMostSectors.
  ShardLocks(ShardTable& table, uint32_t first_premap, uint32_t count);
  ~ShardLocks();
  ShardLocks(const ShardLocks&) = delete;
  ShardLocks& operator=(const ShardLocks&) = delete;

 private:
  static constexpr size_t kMostShards = kMostSectors / ShardTable::kEntriesPerLine + 1;

  std::array<Shard*, kMostShards> held_{};
  size_t held_count_ = 0;
};

// Holds a set of shards, locked in ascending order, whose sectors' blocks change in place.
class InPlaceLocks {
 public:
  using Set = std::bitset<ShardTable::kCount>;  // by ShardTable::IndexOf

  InPlaceLocks(ShardTable& table, const Set& set);
  ~InPlaceLocks();
  InPlaceLocks(const InPlaceLocks&) = delete;
  InPlaceLocks& operator=(const InPlaceLocks&) = delete;

 private:
  ShardTable& table_;
  const Set set_;
};

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_SHARDS_H_
