// SPDX-License-Identifier: Apache-2.0
// Whether requests that should be quick really are: while their media are slow, none counts as
// quick.
//
// After a request that took long, the thread watches its next ones closely: if one of those takes
// long, too, and the thread waited for something meanwhile, the media are slow.
//
// Thread rules: any thread; each has a Probe of its own.
#ifndef NVDIMMFS_FS_LOOPS_QUICK_WATCH_H_
#define NVDIMMFS_FS_LOOPS_QUICK_WATCH_H_

#include <sys/resource.h>

#include <atomic>
#include <cstdint>

namespace nvdimmfs::fs {

class QuickWatch {
 public:
  static constexpr int64_t kQuick = 300'000;  // nanoseconds: the longest time of a quick request

  struct Probe {
    int left = 0;  // requests to watch closely
    long waits = 0;
  };

  // `now`, `start`, `end`: nanoseconds of the monotonic clock.
  bool AreQuick(int64_t now) const { return now >= slow_until_.load(std::memory_order_relaxed); }

  // Call these around a request that should be quick.
  void Begin(Probe& probe) const {
    if (probe.left > 0) probe.waits = Waits();
  }
  void End(Probe& probe, int64_t start, int64_t end) {
    const bool probing = probe.left > 0;
    if (end - start <= kQuick) {
      if (probing) --probe.left;
    } else if (probing && Waits() != probe.waits) {
      slow_until_.store(end + kSlow, std::memory_order_relaxed);
    } else {
      probe.left = kProbes;  // it waited, or the CPU was taken away
    }
  }

 private:
  static constexpr int64_t kSlow = 100'000'000;  // nanoseconds for which none counts as quick
  static constexpr int kProbes = 64;

  // How often this thread gave up its CPU voluntarily, or waited for a page.
  static long Waits() {
    struct rusage usage = {};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw + usage.ru_majflt;
  }

  std::atomic<int64_t> slow_until_{0};
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_QUICK_WATCH_H_
