// SPDX-License-Identifier: Apache-2.0
// Work on separate threads, counted, so that the program can wait for it before it ends.
#ifndef NVDIMMFS_TOOLS_VOLUMES_BACKGROUND_WORK_H_
#define NVDIMMFS_TOOLS_VOLUMES_BACKGROUND_WORK_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tools/volumes/claimed_volume.h"
#include "tools/volumes/job.h"

namespace nvdimmfs::volumes {

// Thread rules: any thread.
class BackgroundWork {
 public:
  BackgroundWork() = default;
  BackgroundWork(const BackgroundWork&) = delete;
  BackgroundWork& operator=(const BackgroundWork&) = delete;
  // Waits for the work in progress, without a limit.
  ~BackgroundWork();

  using Work = absl::AnyInvocable<void()>;
  using VolumeWork = absl::AnyInvocable<absl::Status(ClaimedVolume&, Job&)>;

  // False if the kernel gives no thread; `work` did not run then.
  bool Spawn(Work work);
  // As Spawn; without a thread, `work` runs in the caller's.
  void Run(Work work);
  // Runs `work` on the volume. The claim ends before the job does: the caller may return at once
  // with its next call. Without a thread the job ends with EAGAIN, "volumes.threads".
  std::shared_ptr<Job> Start(ClaimedVolume volume, VolumeWork work);

  // Waits until no work is in progress, or until `deadline`; false if some still is.
  bool AwaitIdle(absl::Time deadline);

 private:
  absl::Mutex mutex_;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_BACKGROUND_WORK_H_
