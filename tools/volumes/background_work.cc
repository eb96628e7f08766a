// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/background_work.h"

#include <cerrno>
#include <utility>

#include "core/base/status.h"
#include "tools/volumes/threads.h"

namespace nvdimmfs::volumes {
namespace {

// The work must survive a failed attempt to start a thread, and std::function must be copyable.
template <typename T>
std::shared_ptr<T> Shared(T value) {
  return std::make_shared<T>(std::move(value));
}

}  // namespace

BackgroundWork::~BackgroundWork() { AwaitIdle(absl::InfiniteFuture()); }

bool BackgroundWork::Spawn(Work work) {
  {
    absl::MutexLock lock(&mutex_);
    ++running_;
  }
  const bool is_started = StartThread([this, shared = Shared(std::move(work))]() mutable {
    (*shared)();
    shared.reset();  // what it holds is released before the end of the work is reported
    absl::MutexLock lock(&mutex_);
    --running_;
  });
  if (is_started) return true;
  absl::MutexLock lock(&mutex_);
  --running_;
  return false;
}

void BackgroundWork::Run(Work work) {
  const auto shared = Shared(std::move(work));
  if (!Spawn([shared] { (*shared)(); })) (*shared)();
}

std::shared_ptr<Job> BackgroundWork::Start(ClaimedVolume volume, VolumeWork work) {
  const auto job = std::make_shared<Job>();
  const auto claim = Shared(std::move(volume));
  const bool is_started = Spawn([claim, job, work = std::move(work)]() mutable {
    const absl::Status status = work(*claim, *job);
    claim->Release();
    job->Finish(status);
  });
  if (is_started) return job;
  claim->Release();
  job->Finish(core::Refusal(EAGAIN, "volumes.threads",
                            "cannot start a thread for this call; try again, or raise the limit on "
                            "processes of this service"));
  return job;
}

bool BackgroundWork::AwaitIdle(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(absl::Condition(
                                      +[](int* running) { return *running == 0; }, &running_),
                                  deadline);
}

}  // namespace nvdimmfs::volumes
