// SPDX-License-Identifier: Apache-2.0
// Keeps a machine's second CPU awake while one program sends one request at a time.
//
// Such a program and the worker that answers it take turns, so one CPU is enough for both. But the
// kernel wakes a thread on an idle CPU, and waking a sleeping CPU takes several times as long as
// the request itself (measured on virtual machines: 40 us for a round trip, against 5 on one CPU).
// While a dummy thread keeps the other CPU busy, both stay where they are. It costs as much as
// polling for the next request and gains more: polling saves one of the two wake-ups, this saves
// both.
//
// It sleeps as soon as requests stop following each other, and rests while something else wants the
// CPU, which it notices by the time for which it does not run. (A low priority would need no such
// check, but on a busy machine a thread that has one keeps its process from exiting, and so the
// image in use.)
//
// Thread rules: constructor and destructor by one thread; KeepOn by any.
#ifndef NVDIMMFS_FS_LOOPS_PROCESSOR_KEEPER_H_
#define NVDIMMFS_FS_LOOPS_PROCESSOR_KEEPER_H_

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "fs/loops/courtesy.h"

namespace nvdimmfs::fs {

class ProcessorKeeper {
 public:
  // Null unless there are two CPUs: with one there is none to keep awake, and with more the kernel
  // finds another that sleeps.
  static std::unique_ptr<ProcessorKeeper> Create();
  ~ProcessorKeeper();
  ProcessorKeeper(const ProcessorKeeper&) = delete;
  ProcessorKeeper& operator=(const ProcessorKeeper&) = delete;

  // The calling thread answers requests, and a wake-up, its own or the requester's, is expected
  // within `nanoseconds` of `now` (monotonic clock). The last call counts.
  void KeepOn(int64_t now, int64_t nanoseconds);

 private:
  explicit ProcessorKeeper(const cpu_set_t& processors) : processors_(processors) {}
  void Run();
  void Keep();
  void GoFrom(int worker);

  const cpu_set_t processors_;  // two
  std::atomic<int64_t> until_{0};
  std::atomic<int> worker_{-1};  // the processor that answered last
  Courtesy courtesy_;
  std::atomic<bool> asleep_{false};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_PROCESSOR_KEEPER_H_
