// SPDX-License-Identifier: Apache-2.0
// Coalesces a slow flush (fsync, a device's flush command): at most one is in flight, and all
// callers that arrive meanwhile share the one that follows it.
//
// A flush covers every store made before it *started*, so a caller may not join the one in flight,
// whose start it missed. An error reaches every caller whose stores that flush should have covered.
// No caller waits for more than the flush in flight and the next one.
//
// Thread rules: Flush may be called from any thread; the function runs on one caller's thread,
// never concurrently, with no lock held.
#ifndef NVDIMMFS_BACKENDS_FLUSH_QUEUE_H_
#define NVDIMMFS_BACKENDS_FLUSH_QUEUE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace nvdimmfs::backends {

class FlushQueue {
 public:
  enum class AfterError {
    kRetry,       // the next flush asks the device again
    kStayFailed,  // every later Flush returns the first error, without asking
  };

  // `flush` makes everything stored so far durable. Choose kStayFailed if a failed flush drops what
  // it could not write and the next one would succeed nevertheless, as fsync(2) on Linux does.
  FlushQueue(std::function<absl::Status()> flush, AfterError after_error);

  // Returns when a flush that started after this call has ended, with its result.
  absl::Status Flush() ABSL_LOCKS_EXCLUDED(mutex_);

  // The device is gone. Every call that waits for a flush that has not started, and every later
  // one, returns `why` without asking the device; the one in flight returns the device's result.
  // Only the first call has an effect.
  void Stop(const absl::Status& why) ABSL_LOCKS_EXCLUDED(mutex_);

  // What every call returns from now on; OK unless one has failed for good.
  absl::Status failed() const ABSL_LOCKS_EXCLUDED(mutex_);

  // How often the function was run.
  uint64_t flushes() const ABSL_LOCKS_EXCLUDED(mutex_);
  // How many callers wait for a flush that has not started.
  int waiting() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Round;  // one run of the function, shared by those who wait for it

  const std::function<absl::Status()> flush_;
  const AfterError after_error_;

  mutable absl::Mutex mutex_;
  bool in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t flushes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failed_ ABSL_GUARDED_BY(mutex_);          // for good: what every call returns
  std::shared_ptr<Round> next_ ABSL_GUARDED_BY(mutex_);  // the round that has not started
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_FLUSH_QUEUE_H_
