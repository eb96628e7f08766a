// SPDX-License-Identifier: Apache-2.0
// Whether polling for the next request pays off: it does if requests follow each other closely, and
// a CPU would otherwise go to sleep and be woken for each.
//
// Thread rules: one thread at a time.
#ifndef NVDIMMFS_FS_LOOPS_SPIN_SCORE_H_
#define NVDIMMFS_FS_LOOPS_SPIN_SCORE_H_

#include <algorithm>
#include <cstdint>

namespace nvdimmfs::fs {

class SpinScore {
 public:
  static constexpr int64_t kBudget = 50'000;  // nanoseconds: longer than this is idle
  static constexpr int64_t kLongest = 300'000;

  // The budget after an answer that took this long. After a long answer, the next request takes
  // long to arrive, too: a program that got a megabyte has pages to return, and the kernel copies
  // the next request here before it counts as received.
  static int64_t BudgetAfter(int64_t answer) { return std::clamp(3 * answer, kBudget, kLongest); }

  bool pays() const { return score_ > 0; }
  // Call it when the next request has arrived `waited` nanoseconds after the last one was answered,
  // by whatever way of waiting; `budget` as above.
  void Came(int64_t waited, int64_t budget = kBudget) {
    score_ = waited <= budget ? std::min(score_ + 1, kMost)
                              : std::max(score_ - kMiss, std::min(score_, kLeast));
  }

 private:
  // One miss costs as many polls as several hits save; it takes a short run to begin.
  static constexpr int kMost = 16, kMiss = 4, kLeast = -4;
  int score_ = 0;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_SPIN_SCORE_H_
