// SPDX-License-Identifier: Apache-2.0
#include "core/base/timer_queue.h"

#include <signal.h>

#include <utility>

#include "absl/time/clock.h"
#include "core/base/thread_signal.h"

namespace nvdimmfs::core {
namespace {

// Starts a thread that takes no signals but ThreadSignal(), because the mount's threads handle
// them.
std::thread StartQuietly(std::function<void()> run) {
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, ThreadSignal());
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(run));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

void TimerQueue::After(absl::Duration delay, std::function<void()> action) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return;
  waiting_.emplace(absl::Now() + delay, std::move(action));
  if (!thread_.joinable()) thread_ = StartQuietly([this] { Run(); });
  changed_.Signal();
}

void TimerQueue::Stop() {
  std::thread thread;
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    waiting_.clear();
    changed_.Signal();
    thread = std::exchange(thread_, {});
  }
  if (thread.joinable()) thread.join();
}

void TimerQueue::Run() {
  absl::MutexLock lock(&mutex_);
  while (!stopped_) {
    if (waiting_.empty()) {
      changed_.Wait(&mutex_);
    } else if (absl::Now() < waiting_.begin()->first) {
      changed_.WaitWithDeadline(&mutex_, waiting_.begin()->first);
    } else {
      const std::function<void()> action = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      mutex_.Unlock();
      action();
      mutex_.Lock();
    }
  }
}

}  // namespace nvdimmfs::core
