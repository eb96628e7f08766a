// SPDX-License-Identifier: Apache-2.0
// Work that may take longer than a caller may wait.
//
// A call of the plugin protocol must be answered within seconds; what takes longer continues in the
// background.
// Thread rules: one thread runs the work, one waits.
#ifndef NVDIMMFS_TOOLS_VOLUMES_JOB_H_
#define NVDIMMFS_TOOLS_VOLUMES_JOB_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace nvdimmfs::volumes {

class Job {
 public:
  // The worker is about to do what cannot be undone. False: the caller has been told that it did
  // not happen, so it must not.
  bool Commit();
  // The worker failed and is about to end; a caller that still waits then waits for Finish, however
  // long that takes. True: the caller has been told of the failure, or will be. False: it was told
  // that the work succeeded.
  bool Fail();
  void Finish(const absl::Status& status);

  // The work's own status, if it arrives in time. At `deadline`: OK if the work is committed (it
  // will be finished); else `late`, and the work can no longer commit.
  absl::Status Wait(absl::Time deadline, const absl::Status& late);

 private:
  absl::Mutex mutex_;
  bool committed_ ABSL_GUARDED_BY(mutex_) = false;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_JOB_H_
