// SPDX-License-Identifier: Apache-2.0
// The bad ranges of one Media, in units of 512 bytes: kept in memory, sorted, disjoint, merged.
//
// Thread rules: any thread. While nothing is bad, a query is a single load.
#ifndef NVDIMMFS_CORE_MEDIA_POISON_LIST_H_
#define NVDIMMFS_CORE_MEDIA_POISON_LIST_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/range.h"
#include "core/media/poison_observer.h"

namespace nvdimmfs::core {

inline constexpr uint64_t kPoisonUnit = 512;

class PoisonList {
 public:
  bool empty() const { return empty_.load(std::memory_order_acquire); }
  // The flag that empty() loads; valid for as long as the list lives.
  const std::atomic<bool>& empty_flag() const { return empty_; }

  // Whether a bad unit overlaps the range (bytes). An empty range overlaps nothing.
  bool Overlaps(const Range& range) const;
  // Whether every bad unit that overlaps the range is completely inside it: a write of the range
  // then replaces them.
  bool CoversWhole(const Range& range) const;

  void Add(const Range& range);    // widened outward to whole units
  void Clear(const Range& range);  // narrowed inward to whole units

  std::vector<Range> ranges() const;  // bytes, ascending, none adjacent

  // Tells `observer`, for as long as it lives, of every Add, and of every Clear that made something
  // good.
  void Observe(std::weak_ptr<PoisonObserver> observer);

 private:
  bool HoldsUnit(uint64_t unit) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  bool OverlapsUnits(uint64_t first, uint64_t end) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  void Tell(PoisonChange change) ABSL_LOCKS_EXCLUDED(mutex_);

  static constexpr size_t kFewObservers = 16;

  std::atomic<bool> empty_{true};
  mutable absl::Mutex mutex_;
  std::map<uint64_t, uint64_t> ends_ ABSL_GUARDED_BY(mutex_);  // first unit -> one past the last
  std::vector<std::weak_ptr<PoisonObserver>> observers_ ABSL_GUARDED_BY(mutex_);
  size_t drop_gone_at_ ABSL_GUARDED_BY(mutex_) = kFewObservers;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_POISON_LIST_H_
