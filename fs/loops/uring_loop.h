// SPDX-License-Identifier: Apache-2.0
// The threads that receive requests by FUSE over io_uring: one for each CPU, which serves that
// CPU's queue.
//
// A thread stays on its CPU, where the requester waits: answering there takes two context switches
// and wakes no other CPU. If serving from another CPU proves faster (Placement), it moves. It
// answers quick requests itself, with one system call for all that arrived together, and passes
// others to helpers, which return the reply. An idle mount uses no CPU time.
//
// Thread rules: Create, Start, Stop and the destructor by one thread; the handler runs on all
// threads concurrently.
#ifndef NVDIMMFS_FS_LOOPS_URING_LOOP_H_
#define NVDIMMFS_FS_LOOPS_URING_LOOP_H_

#include <sched.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "fs/loops/quick_watch.h"
#include "fs/loops/reply_port.h"
#include "fs/loops/uring_entry.h"

namespace nvdimmfs::fs {

class UringLoop {
 public:
  struct Options {
    int helpers = 1;     // 0: one thread does everything
    size_t payload = 0;  // bytes: the longest request or answer without its headers
    size_t slack = 0;    // bytes that a port's Room() has beyond `payload`
    // Whether a request may wait for a lock or a device; null: each may.
    std::function<bool(absl::Span<const std::byte>)> may_wait;
  };

  // Acquires everything that can be refused, without telling the kernel yet. `device` is the
  // mount's descriptor, which need not stay open. Refused as UringRing::Create, and with ENOMEM.
  static absl::StatusOr<std::unique_ptr<UringLoop>> Create(int device, const Options& options,
                                                           RequestHandler handler);
  // Stops.
  ~UringLoop();
  UringLoop(const UringLoop&) = delete;
  UringLoop& operator=(const UringLoop&) = delete;

  // Call after sending the INIT reply that agrees to it. If the kernel then refuses, requests come
  // through read(2) of /dev/fuse.
  void Start();
  // Lets each thread finish its requests and ends it. Requests that none took are never answered:
  // the kernel gives up on them with the last descriptor of the mount, these threads' among them.
  void Stop();

 private:
  struct Server;
  struct Job {
    Server* server;
    UringEntry* entry;
    absl::Span<std::byte> request;
  };

  UringLoop(const Options& options, RequestHandler handler);
  absl::Status AddServers(int device, int queues);

  void Serve(Server& server);
  void ServeWhatCame(Server& server);
  void Place(const Server& server) const;
  void Take(Server& server, UringEntry& entry);
  bool MayWait(absl::Span<const std::byte> request) const;
  void Handle(UringEntry& entry, absl::Span<std::byte> request);
  void Commit(Server& server, UringEntry& entry);
  void CommitReturned(Server& server);

  void GiveToHelpers(const Job& job);
  std::optional<Job> NextJob();
  void Help();

  const Options options_;
  const RequestHandler handler_;
  const cpu_set_t processors_;  // that the process may run on
  QuickWatch watch_;
  std::vector<std::unique_ptr<UringEntry>> entries_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<std::thread> helpers_;
  std::atomic<bool> stopping_{false};

  absl::Mutex mutex_;
  absl::CondVar job_there_;
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mutex_);
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_URING_LOOP_H_
