// SPDX-License-Identifier: Apache-2.0
#include "tools/hardening/every_thread.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "backends/posix/folder.h"
#include "core/base/thread_signal.h"

namespace nvdimmfs::hardening {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr absl::Duration kPause = absl::Microseconds(200);
constexpr size_t kMostThreads = 4096;

// Everything that the handler touches.
constinit std::atomic<int (*)(void*)> action{nullptr};
constinit std::atomic<void*> action_argument{nullptr};
constinit std::atomic<int> first_error{0};
constinit std::array<std::atomic<pid_t>, kMostThreads> done{};
constinit std::atomic<size_t> done_count{0};

pid_t OwnThread() { return static_cast<pid_t>(syscall(SYS_gettid)); }

void Run(int (*act)(void*)) {
  int none = 0;
  if (const int error = act(action_argument.load()); error != 0)
    first_error.compare_exchange_strong(none, error);
  if (const size_t place = done_count.fetch_add(1); place < kMostThreads) done[place] = OwnThread();
}

void OnSignal(int) {
  const int error = errno;
  if (int (*const act)(void*) = action.load(); act != nullptr) Run(act);
  errno = error;
}

bool HasRun(pid_t thread) {
  const size_t count = std::min(done_count.load(), kMostThreads);
  for (size_t i = 0; i < count; ++i)
    if (done[i] == thread) return true;
  return false;
}

std::set<pid_t> Threads() {
  std::set<pid_t> threads;
  for (const std::string& name :
       posix::ReadFolder("/proc/self/task").value_or(std::vector<std::string>()))
    if (pid_t thread; absl::SimpleAtoi(name, &thread)) threads.insert(thread);
  return threads;
}

bool Exists(pid_t thread) { return syscall(SYS_tgkill, getpid(), thread, 0) == 0; }

// Returns when every thread that exists has run it, or gives up.
int Spread() {
  const absl::Time end = absl::Now() + kPatience;
  std::set<pid_t> asked = {OwnThread()};
  while (true) {
    const std::set<pid_t> threads = Threads();
    if (threads.count(OwnThread()) == 0) return ENOENT;  // there is no /proc
    std::set<pid_t> waiting;
    for (const pid_t thread : threads)
      if (asked.insert(thread).second &&
          syscall(SYS_tgkill, getpid(), thread, core::ThreadSignal()) == 0)
        waiting.insert(thread);
    // A thread that starts from now on was created by one that has run it, or is found next time.
    if (waiting.empty()) return 0;
    for (const pid_t thread : waiting)
      while (!HasRun(thread) && Exists(thread)) {
        if (absl::Now() > end) return ETIME;
        absl::SleepFor(kPause);
      }
  }
}

}  // namespace

int OnEveryThread(int (*act)(void* argument), void* argument) {
  first_error = 0;
  done_count = 0;
  action_argument = argument;
  action = act;
  struct sigaction handler = {}, before = {};
  handler.sa_handler = OnSignal;
  handler.sa_flags = SA_RESTART | SA_ONSTACK;
  sigfillset(&handler.sa_mask);
  sigaction(core::ThreadSignal(), &handler, &before);
  Run(act);
  int error = first_error;
  if (error == 0) error = Spread();
  // A late thread must find neither the default action, which ends the process, nor the argument,
  // which may be gone.
  action = nullptr;
  if (error == 0) sigaction(core::ThreadSignal(), &before, nullptr);
  return error != 0 ? error : first_error.load();
}

}  // namespace nvdimmfs::hardening
