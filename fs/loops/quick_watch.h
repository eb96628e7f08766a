// SPDX-License-Identifier: Apache-2.0
// Whether requests that should be quick are: while their media are slow, none is thought to be.
//
// A request that takes long makes the thread watch its next ones closely: where one of those takes
// long again and its thread waited for something meanwhile, the media are slow.
//
// Thread rules: any; a Probe is its thread's own.
#ifndef NVDIMMFS_FS_LOOPS_QUICK_WATCH_H_
#define NVDIMMFS_FS_LOOPS_QUICK_WATCH_H_

#include <sys/resource.h>

#include <atomic>
#include <cstdint>

namespace nvdimmfs::fs {

class QuickWatch {
 public:
  static constexpr int64_t kQuick = 300'000;  // nanoseconds: a request that takes longer was not

  struct Probe {
    int left = 0;  // requests to watch closely
    long waits = 0;
  };

  // `now`, `start`, `end`: nanoseconds of the monotonic clock.
  bool AreQuick(int64_t now) const { return now >= slow_until_.load(std::memory_order_relaxed); }

  // Around a request that should be quick.
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
      probe.left = kProbes;  // it waited, or the processor was taken away
    }
  }

 private:
  static constexpr int64_t kSlow =
      100'000'000;  // nanoseconds for which none is thought to be quick
  static constexpr int kProbes = 64;

  // How often this thread gave up its processor by itself, or waited for a page.
  static long Waits() {
    struct rusage usage = {};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw + usage.ru_majflt;
  }

  std::atomic<int64_t> slow_until_{0};
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_QUICK_WATCH_H_
