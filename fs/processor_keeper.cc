#include "fs/processor_keeper.h"

#include <sys/resource.h>

#include "absl/memory/memory.h"
#include "fs/monotonic.h"

namespace nvdimmfs::fs {
namespace {

constexpr int kLowestPriority = 19;
constexpr int kPauses = 16;  // between two looks at the clock

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

std::unique_ptr<ProcessorKeeper> ProcessorKeeper::Create() {
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) != 0 || CPU_COUNT(&processors) != 2)
    return nullptr;
  auto keeper = absl::WrapUnique(new ProcessorKeeper(processors));
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
  worker_.store(sched_getcpu(), std::memory_order_relaxed);
  until_ = now + nanoseconds;
  // Sequentially consistent, here and in Run: either this sees it asleep, or it sees `until_`.
  if (asleep_ && asleep_.exchange(false)) asleep_.notify_one();
}

void ProcessorKeeper::Run() {
  setpriority(PRIO_PROCESS, 0, kLowestPriority);  // of this thread
  while (!ending_) {
    asleep_ = true;
    if (MonotonicNow() >= until_ && !ending_) asleep_.wait(true);
    asleep_ = false;
    Keep();
  }
}

void ProcessorKeeper::Keep() {
  while (MonotonicNow() < until_.load(std::memory_order_relaxed)) {
    if (const int worker = worker_.load(std::memory_order_relaxed); sched_getcpu() == worker)
      GoFrom(worker);
    for (int i = 0; i < kPauses; ++i) Pause();
  }
}

// Goes to the processor that the worker does not run on.
void ProcessorKeeper::GoFrom(int worker) {
  cpu_set_t other = processors_;
  CPU_CLR(static_cast<unsigned>(worker), &other);
  sched_setaffinity(0, sizeof other, &other);
}

}  // namespace nvdimmfs::fs
