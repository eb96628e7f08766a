// SPDX-License-Identifier: Apache-2.0
// Whether something else needs the CPU that a thread keeps busy while it waits. It is noticed by
// the time during which the thread does not run. Then the thread rests for several times as long;
// if it had resumed only a short while before, for twice as long as the last time.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_FS_LOOPS_COURTESY_H_
#define NVDIMMFS_FS_LOOPS_COURTESY_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace nvdimmfs::fs {

class Courtesy {
 public:
  // Nanoseconds between two looks at the clock that mean that another thread had the CPU. Threads
  // that take part in a request have it for a few thousand, interrupts for some ten thousand.
  static constexpr int64_t kStolen = 500'000;

  // Call it after looking at the monotonic clock at `last` and again at `now`. True if the thread
  // must rest.
  bool Looked(int64_t last, int64_t now) {
    if (now - last <= kStolen) return false;
    Yield(now, now - last);
    return true;
  }
  // Records that other threads lost this many nanoseconds to the thread.
  void Yield(int64_t now, int64_t lost) {
    const bool again = now - lost - Until() < rest_.load(std::memory_order_relaxed);
    const int64_t longer = again ? 2 * rest_.load(std::memory_order_relaxed) : 0;
    const int64_t rest = std::min(std::max(longer, kRest * lost), kLongest);
    rest_.store(rest, std::memory_order_relaxed);
    until_.store(now + rest, std::memory_order_relaxed);
  }
  bool Rests(int64_t now) const { return now < Until(); }

 private:
  static constexpr int64_t kRest = 8;  // times as long as others lost
  static constexpr int64_t kLongest = 1'000'000'000;

  int64_t Until() const { return until_.load(std::memory_order_relaxed); }

  std::atomic<int64_t> until_{0};
  std::atomic<int64_t> rest_{0};  // the last one's length
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_COURTESY_H_
