// SPDX-License-Identifier: Apache-2.0
// The threads that read requests from /dev/fuse, each through a queue of its own.
//
// They serve the device in one of two ways, depending on the load (Crowd):
//   one requester   only one worker, the leader, serves the device; the others are parked, since a
//                   worker that sleeps on the device would be woken in vain. While requests follow
//                   each other closely (SpinScore), the leader polls for the next one and idle CPUs
//                   are kept from sleeping (WakefulProcessors). If that is not permitted, or
//                   polling takes time from other work (Courtesy), the second of two CPUs is kept
//                   awake instead (ProcessorKeeper). With a single CPU there is nothing to gain.
//   several         one worker for each CPU, asleep in read(2); none polls
// A leader answers quick requests itself; before one that may block, it passes its place to a
// parked worker. An idle mount uses no CPU time: eventually the leader also sleeps in read(2). A
// worker's port sends the reply to the descriptor that the request came from, as the kernel
// requires.
//
// Thread rules: Start, Stop and the destructor by one thread; the handler runs on all workers
// concurrently.
#ifndef NVDIMMFS_FS_LOOPS_REQUEST_LOOP_H_
#define NVDIMMFS_FS_LOOPS_REQUEST_LOOP_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "fs/loops/courtesy.h"
#include "fs/loops/crowd.h"
#include "fs/loops/processor_keeper.h"
#include "fs/loops/quick_watch.h"
#include "fs/loops/reply_port.h"
#include "fs/loops/wakeful_processors.h"

namespace nvdimmfs::fs {

class RequestLoop {
 public:
  struct Options {
    int threads = 1;
    size_t buffer_size = 0;  // bytes: the longest request
    // Whether a CPU may be kept busy between requests that follow each other closely.
    bool spins = true;
    WakefulProcessors::Paths wakeful;
    // Whether a request may wait for a lock or a device; null: each may.
    std::function<bool(absl::Span<const std::byte>)> may_wait;
    // The number of the thread that waits for the reply; 0: none does. Null: always the same one.
    std::function<uint32_t(absl::Span<const std::byte>)> requester;
  };

  // `device` is the mount's descriptor; it stays the caller's. `on_end` runs once, on the last
  // worker to end.
  RequestLoop(int device, const Options& options, RequestHandler handler,
              std::function<void()> on_end);
  // Stops.
  ~RequestLoop();
  RequestLoop(const RequestLoop&) = delete;
  RequestLoop& operator=(const RequestLoop&) = delete;

  void Start();
  // Lets each worker finish its request and ends it. Requests that no worker took are never
  // answered: the caller closes `device`, and with the last descriptor the kernel gives them up.
  void Stop();

 private:
  struct Worker;
  void Run(Worker& worker);
  // The next request's bytes: empty if there was no request after all, nullopt once there will be
  // no more.
  std::optional<absl::Span<std::byte>> Take(Worker& worker);
  void Serve(Worker& worker, absl::Span<std::byte> request);
  bool MayWait(absl::Span<const std::byte> request) const;
  void Count(Worker& worker, absl::Span<const std::byte> request);
  bool MayPoll(const Worker& worker, int64_t now) const;
  ssize_t Read(Worker& worker);
  // A read that does not block: EAGAIN if there is no request when the polling time is over.
  ssize_t Poll(Worker& worker);
  // Lets CPUs sleep once no request has come for a while.
  void Rest(const Worker& worker) const;
  void Spread(Worker& worker);
  // How many workers attend the device.
  void SetPlaces(int places);
  // Parks until there is a place at the device; false at the end.
  bool Lead(Worker& worker);
  void PassOn(Worker& worker);
  void End();

  const Options options_;
  const RequestHandler handler_;
  const std::function<void()> on_end_;
  int crowd_places_ = 1;  // how many attend when several ask: more than CPUs would only compete
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<bool> stopping_{false};
  QuickWatch watch_;
  absl::Mutex mutex_;
  absl::CondVar place_free_;
  int leaders_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<int> places_{1};  // written under mutex_
  Crowd crowd_;
  // Set by Start.
  std::unique_ptr<WakefulProcessors> wakeful_;
  std::unique_ptr<ProcessorKeeper> keeper_;
  bool polls_ = false;
  Courtesy courtesy_;  // of the polling worker
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<int> running_{0};
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_REQUEST_LOOP_H_
