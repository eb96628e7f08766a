// SPDX-License-Identifier: Apache-2.0
// Finds by experiment whether the thread of a CPU's queue should run on that CPU or on another.
//
// A program that waits for its reply leaves its CPU idle and is best served there, so that no other
// CPU needs to wake up. A program with many requests in flight is best served on another CPU, in
// parallel. Requests do not reveal which case it is, but the time they take does. Now and then, and
// less often the longer it does not help, some requests are answered at the other place, which is
// kept if that took less time.
//
// Thread rules: one thread at a time.
#ifndef NVDIMMFS_FS_LOOPS_PLACEMENT_H_
#define NVDIMMFS_FS_LOOPS_PLACEMENT_H_

#include <algorithm>
#include <cstdint>

namespace nvdimmfs::fs {

class Placement {
 public:
  static constexpr int kWindow = 64;  // requests that are judged together
  // Nanoseconds: with more time than this between requests, the program does more than wait.
  static constexpr int64_t kBusy = 100'000;

  // Call when `requests` more have been answered, at `now`, in nanoseconds of the monotonic clock.
  // True if the thread should move.
  bool Answered(int requests, int64_t now) {
    int64_t took = now - last_;
    last_ = now;
    if (took > requests * kBusy) {  // idle, or asking on another processor
      if (step_ == Step::kStaying) return false;
      took = requests * kBusy;
    }
    count_ += requests;
    time_ += took;
    // A try that has already taken as long as all of its requests take at the other place has
    // failed.
    if (step_ != Step::kStaying && time_ > kTry * each_) return Judge(each_);
    if (count_ < (step_ == Step::kTrying ? kTry : kWindow)) return false;
    const int64_t each = time_ / count_;
    time_ = count_ = 0;
    switch (step_) {
      case Step::kStaying:
        return Stay(each);
      case Step::kMoving:  // the first ones after a move tell of the move
        step_ = Step::kTrying;
        return false;
      case Step::kTrying:
        return Judge(each);
    }
    return false;
  }
  bool elsewhere() const { return elsewhere_; }

 private:
  enum class Step { kStaying, kMoving, kTrying };
  static constexpr int kTry = 256;                    // requests
  static constexpr int kSoonest = 16, kLatest = 512;  // windows from one try to the next

  bool Stay(int64_t each) {
    // The load has changed: what was found may no longer hold.
    each_ = each_ == 0 ? each : (7 * each_ + each) / 8;
    if (4 * each_ < 3 * found_ || 3 * each_ > 4 * found_) {
      found_ = each_;
      patience_ = left_ = kSoonest;
    }
    if (--left_ > 0) return false;
    step_ = Step::kMoving;
    elsewhere_ = !elsewhere_;
    return true;
  }

  bool Judge(int64_t each) {
    step_ = Step::kStaying;
    time_ = count_ = 0;
    const bool better = each < each_ - each_ / 8;
    patience_ = better ? kSoonest : std::min(2 * patience_, kLatest);
    left_ = patience_;
    if (better) each_ = each;
    found_ = each_;
    if (better) return false;
    elsewhere_ = !elsewhere_;
    return true;
  }

  Step step_ = Step::kStaying;
  bool elsewhere_ = false;
  int count_ = 0;
  int left_ = kSoonest, patience_ = kSoonest;  // windows
  int64_t time_ = 0;                           // nanoseconds in which they were
  int64_t last_ = 0;
  int64_t each_ = 0;   // nanoseconds from one to the next at the place that is kept, of late
  int64_t found_ = 0;  // when that was tried last
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_PLACEMENT_H_
