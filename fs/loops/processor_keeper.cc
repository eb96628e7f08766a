// SPDX-License-Identifier: Apache-2.0
#include "fs/loops/processor_keeper.h"

#include "absl/memory/memory.h"
#include "fs/loops/monotonic.h"
#include "fs/loops/processors.h"

namespace nvdimmfs::fs {
namespace {

constexpr int kPauses = 16;  // between two readings of the clock

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

std::unique_ptr<ProcessorKeeper> ProcessorKeeper::Create() {
  if (CountProcessors() != 2) return nullptr;
  auto keeper = absl::WrapUnique(new ProcessorKeeper(OurProcessors()));
  keeper->thread_ = std::thread([keeper = keeper.get()] { keeper->Run(); });
  return keeper;
}

ProcessorKeeper::~ProcessorKeeper() {
  ending_ = true;
  until_ = 0;
  asleep_ = false;
  asleep_.notify_one();
  thread_.join();
}

void ProcessorKeeper::KeepOn(int64_t now, int64_t nanoseconds) {
  if (courtesy_.Rests(now)) return;
  worker_.store(sched_getcpu(), std::memory_order_relaxed);
  until_ = now + nanoseconds;
  // Sequentially consistent, here and in Run: either this sees it asleep, or it sees `until_`.
  if (asleep_ && asleep_.exchange(false)) asleep_.notify_one();
}

void ProcessorKeeper::Run() {
  while (!ending_) {
    asleep_ = true;
    if (MonotonicNow() >= until_ && !ending_) asleep_.wait(true);
    asleep_ = false;
    Keep();
  }
}

void ProcessorKeeper::Keep() {
  for (int64_t last = MonotonicNow(); last < until_.load(std::memory_order_relaxed);) {
    for (int i = 0; i < kPauses; ++i) Pause();
    const int64_t now = MonotonicNow();
    const int worker = worker_.load(std::memory_order_relaxed);
    if (sched_getcpu() == worker)
      GoFrom(worker);
    else if (courtesy_.Looked(last, now))
      return;
    last = now;
  }
}

// Moves to the CPU that the worker does not run on.
void ProcessorKeeper::GoFrom(int worker) {
  cpu_set_t other = processors_;
  CPU_CLR(static_cast<unsigned>(worker), &other);
  sched_setaffinity(0, sizeof other, &other);
}

}  // namespace nvdimmfs::fs
