// SPDX-License-Identifier: Apache-2.0
// Keeps the machine's idle CPUs from sleeping while requests follow each other closely.
//
// A program that waits for a reply leaves its CPU idle, and waking that takes several times as long
// as the request (15 to 40 us on virtual machines). While a process asks for a wake-up latency of 0
// (/dev/cpu_dma_latency; PM QoS), the kernel lets idle CPUs poll instead: a wake-up is then a store
// to memory. That takes nothing from other programs, but it costs electricity and, on a virtual
// machine, the host's time.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_FS_LOOPS_WAKEFUL_PROCESSORS_H_
#define NVDIMMFS_FS_LOOPS_WAKEFUL_PROCESSORS_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace nvdimmfs::fs {

class WakefulProcessors {
 public:
  // All of the machine's idle CPUs poll, not only the requester's: on large machines that is too
  // much for one program's requests.
  static constexpr int kMostProcessors = 4;

  // Where the kernel has these things; another place for tests.
  struct Paths {
    std::string request = "/dev/cpu_dma_latency";
    std::string shallowest = "/sys/devices/system/cpu/cpu0/cpuidle/state0/name";
  };
  // Null where the process may not ask for it (it is not root), where the kernel cannot idle
  // without sleeping, and with one CPU or too many.
  static std::unique_ptr<WakefulProcessors> Create(const Paths& paths);
  // Lets them sleep.
  ~WakefulProcessors();
  WakefulProcessors(const WakefulProcessors&) = delete;
  WakefulProcessors& operator=(const WakefulProcessors&) = delete;

  // A call that changes nothing costs a load.
  void Hold() { Set(true); }
  void LetSleep() { Set(false); }
  bool held() const { return held_.load(std::memory_order_relaxed); }

 private:
  explicit WakefulProcessors(int request) : request_(request) {}
  void Set(bool hold) {
    if (held() != hold) Change(hold);
  }
  void Change(bool hold);

  const int request_;
  absl::Mutex mutex_;              // the order of changes
  std::atomic<bool> held_{false};  // written under mutex_
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_WAKEFUL_PROCESSORS_H_
