// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/job.h"

namespace nvdimmfs::volumes {

bool Job::Commit() {
  absl::MutexLock lock(&mutex_);
  if (!abandoned_) committed_ = true;
  return committed_;
}

bool Job::Fail() {
  absl::MutexLock lock(&mutex_);
  held_ = !left_;
  return held_ || !committed_;
}

void Job::Finish(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  finished_ = true;
  status_ = status;
}

absl::Status Job::Wait(absl::Time deadline, const absl::Status& late) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithDeadline(absl::Condition(&finished_), deadline);
  if (held_) mutex_.Await(absl::Condition(&finished_));
  if (finished_) return status_;
  left_ = true;
  if (committed_) return absl::OkStatus();
  abandoned_ = true;
  return late;
}

}  // namespace nvdimmfs::volumes
