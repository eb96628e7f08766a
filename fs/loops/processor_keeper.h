// Keeps a machine's second processor awake while one program asks one thing at a time.
//
// Such a program and the worker that answers it take turns, so one processor is enough for both.
// But the kernel gives whoever is woken to a processor that sleeps, and waking that one takes
// several times as long as the request itself (measured on virtual machines: 40 us there and back,
// against 5 on one processor). While a thread of no importance keeps the other processor busy, both
// stay where they are. It costs what polling for the next request would, and gains more: polling
// spares one of the two wake-ups, this spares both.
//
// It sleeps as soon as requests stop following each other, and rests where something else wants the
// processor: noticed by the time for which that has it. (A low priority would do without; but a
// thread that has one keeps its process from ending on a busy machine, and the image in use.)
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
  // Null unless they are two: with one there is none to keep, and with more the kernel finds
  // another that sleeps.
  static std::unique_ptr<ProcessorKeeper> Create();
  ~ProcessorKeeper();
  ProcessorKeeper(const ProcessorKeeper&) = delete;
  ProcessorKeeper& operator=(const ProcessorKeeper&) = delete;

  // The calling thread answers requests, and within `nanoseconds` of `now` (of the monotonic clock)
  // it or whoever asks is expected to be woken. The last call counts.
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
