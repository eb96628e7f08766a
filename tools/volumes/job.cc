#include "tools/volumes/job.h"

namespace nvdimmfs::volumes {

bool Job::Commit() {
  absl::MutexLock lock(&mutex_);
  if (!abandoned_) committed_ = true;
  return committed_;
}

void Job::Finish(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  finished_ = true;
  status_ = status;
}

absl::Status Job::Wait(absl::Time deadline, const absl::Status& late) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithDeadline(absl::Condition(&finished_), deadline);
  if (finished_) return status_;
  if (committed_) return absl::OkStatus();
  abandoned_ = true;
  return late;
}

}  // namespace nvdimmfs::volumes
