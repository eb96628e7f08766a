// SPDX-License-Identifier: Apache-2.0
// Whether a single program sends one request at a time to the mount, or several send requests.
//
// Each request says which thread sent it. Requests of two threads that alternate, again and again,
// mean several; so do requests that wait while others are answered. A long run of requests of the
// same thread of which none waited means one.
//
// Thread rules: any thread. Counts may be off by a few if several workers meet, which only delays a
// change.
#ifndef NVDIMMFS_FS_LOOPS_CROWD_H_
#define NVDIMMFS_FS_LOOPS_CROWD_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace nvdimmfs::fs {

class Crowd {
 public:
  static constexpr unsigned kLookEvery = 8;

  bool several() const { return several_.load(std::memory_order_relaxed); }

  // Call it for a request of the thread `requester`; `queued`: another was already waiting before
  // this one was answered (examine that for every kLookEvery-th request). True if this changes the
  // verdict to several.
  bool Came(uint32_t requester, bool queued) {
    const bool same = last_.load(std::memory_order_relaxed) == requester;
    if (!same) last_.store(requester, std::memory_order_relaxed);
    const int count = count_.load(std::memory_order_relaxed);
    if (several()) {
      const int run = same && !queued ? count + 1 : 0;
      count_.store(run < kAlone ? run : 0, std::memory_order_relaxed);
      if (run >= kAlone) several_.store(false, std::memory_order_relaxed);
      return false;
    }
    const int changes = queued ? count + kQueued : same ? std::max(count - 1, 0) : count + 2;
    count_.store(changes < kMany ? changes : 0, std::memory_order_relaxed);
    if (changes < kMany) return false;
    several_.store(true, std::memory_order_relaxed);
    return true;
  }

 private:
  static constexpr int kQueued = 3 * kLookEvery;  // those not looked at take one away each
  static constexpr int kMany = 64, kAlone = 512;
  std::atomic<bool> several_{false};
  std::atomic<uint32_t> last_{0};
  std::atomic<int> count_{0};  // of several: the run's length; of one: changes, less what was calm
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_CROWD_H_
