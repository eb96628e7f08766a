// Things to be done later, in the order of their times, by one thread that exists once something
// waits.
//
// Thread rules: any thread; nothing is called with the queue's lock held. Stop waits for the call
// under way, so its caller must hold nothing that the calls want.
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

  // Calls `action` once, `delay` from now; never, where Stop comes first.
  void After(absl::Duration delay, std::function<void()> action);

  // Nothing is called any more once this returns; what waits, or comes later, is dropped.
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
