// Whether requests come to a queue by the handful from the same thread (deep), or each thread asks
// one thing at a time and waits.
//
// Whoever waits leaves its processor, and is best answered on that one. Whoever does not goes on to
// ask there: it is best answered on another.
//
// Thread rules: one thread at a time.
#ifndef NVDIMMFS_FS_DEEP_SCORE_H_
#define NVDIMMFS_FS_DEEP_SCORE_H_

#include <algorithm>

namespace nvdimmfs::fs {

class DeepScore {
 public:
  // Requests that were there at once: how many are of a thread that another of them is of, too.
  // True where that changes the answer.
  bool Came(int of_the_same) {
    score_ = std::clamp(score_ + (of_the_same > 0 ? of_the_same : -1), 0, kMost);
    const bool was = deep_;
    if (score_ == 0) deep_ = false;
    if (score_ == kMost) deep_ = true;
    return deep_ != was;
  }
  bool deep() const { return deep_; }

 private:
  static constexpr int kMost = 128;
  int score_ = 0;
  bool deep_ = false;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_DEEP_SCORE_H_
