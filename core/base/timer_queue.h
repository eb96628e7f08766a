// SPDX-License-Identifier: Apache-2.0
// Runs actions later, in order of their times, on one thread that starts with the first action.
//
// Thread rules: any thread. Actions run without the queue's lock. Stop waits for the running
// action, so its caller must not hold a lock that an action takes.
#ifndef NVDIMMFS_CORE_BASE_TIMER_QUEUE_H_
#define NVDIMMFS_CORE_BASE_TIMER_QUEUE_H_

#include <functional>
#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace nvdimmfs::core {

class TimerQueue {
 public:
  TimerQueue() = default;
  ~TimerQueue() { Stop(); }
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Calls `action` once, `delay` from now, unless Stop comes first.
  void After(absl::Duration delay, std::function<void()> action);

  // Once this returns, no action is running; pending and later actions are dropped.
  void Stop();

 private:
  void Run();

  absl::Mutex mutex_;
  std::multimap<absl::Time, std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  absl::CondVar changed_;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_TIMER_QUEUE_H_
