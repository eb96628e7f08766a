// SPDX-License-Identifier: Apache-2.0
// Whether something else wants the processor that a thread keeps busy while it waits: noticed by
// the time for which that has it. Then the thread rests for several times as long, and where it had
// not been back for long, for twice as long as before.
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
  // Nanoseconds between two looks at the clock: after so long, another thread had the CPU.
  // Those who take part in a request have it for a few thousand, interrupts for some ten thousand.
  static constexpr int64_t kStolen = 500'000;

  // The clock was looked at at `last`, and at `now` again (of the monotonic clock). True where the
  // thread is to rest.
  bool Looked(int64_t last, int64_t now) {
    if (now - last <= kStolen) return false;
    Yield(now, now - last);
    return true;
  }
  // The thread was in the way of others, who lost so many nanoseconds.
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
