// SPDX-License-Identifier: Apache-2.0
#include "btt/shards.h"

#include <algorithm>

namespace nvdimmfs::btt {

// Announces the waiter, so that the holder wakes one.
void ShardMutex::LockSlowly() {
  while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree)
    state_.wait(kAwaited, std::memory_order_relaxed);
}

// The thread-safety analysis cannot follow a computed set of locks. The order is ascending, and the
// destructor releases exactly what was taken.
ShardLocks::ShardLocks(ShardTable& table, uint32_t first_premap,
                       uint32_t count) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const uint32_t first_line = first_premap / ShardTable::kEntriesPerLine;
  const uint32_t last_line = (first_premap + (count - 1)) / ShardTable::kEntriesPerLine;
  for (uint32_t line = first_line; line <= last_line; ++line)
    held_[held_count_++] = &table.shards_[line % ShardTable::kCount];
  std::sort(held_.begin(), held_.begin() + held_count_);
  for (size_t i = 0; i < held_count_; ++i) held_[i]->mutex.Lock();
}

ShardLocks::~ShardLocks() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (size_t i = held_count_; i > 0; --i) held_[i - 1]->mutex.Unlock();
}

InPlaceLocks::InPlaceLocks(ShardTable& table, const Set& set) ABSL_NO_THREAD_SAFETY_ANALYSIS
    : table_(table),
      set_(set) {
  for (uint32_t i = 0; i < ShardTable::kCount; ++i) {
    if (!set_.test(i)) continue;
    table_.shards_[i].mutex.Lock();
    table_.shards_[i].generation.fetch_add(Shard::kInPlace, std::memory_order_relaxed);
  }
  // A reader that sees a changed byte sees an odd generation.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

InPlaceLocks::~InPlaceLocks() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (uint32_t i = ShardTable::kCount; i-- > 0;) {
    if (!set_.test(i)) continue;
    // Even again, and another than before.
    table_.shards_[i].generation.fetch_add(Shard::kInPlace, std::memory_order_release);
    table_.shards_[i].mutex.Unlock();
  }
}

}  // namespace nvdimmfs::btt
