// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/signals.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "core/base/thread_signal.h"

namespace nvdimmfs::fs {
namespace {

// Everything that the handlers touch.
constinit std::atomic<int> event{-1};       // of the current EndSignals
constinit std::atomic<bool> serves{false};  // there is or was an EndSignals
constinit std::atomic<int> first_number{0};
constinit std::atomic<pid_t> first_sender{0};
static_assert(std::atomic<int>::is_always_lock_free);

std::array<struct sigaction, NSIG> faults_before;  // written before any handler runs

void Note(int number, const siginfo_t& info) {
  int none = 0;
  if (first_number.compare_exchange_strong(none, number) && info.si_code <= 0)
    first_sender.store(info.si_pid);
  const int error = errno;
  const uint64_t one = 1;
  if (const int fd = event.load(); fd >= 0) {
    [[maybe_unused]] const ssize_t n = write(fd, &one, sizeof one);
  }
  errno = error;
}

void OnEnd(int number, siginfo_t* info, void*) { Note(number, *info); }

// The kernel raises faults with a positive code; abort(3) and raise(3) set this process as the
// sender.
void OnFault(int number, siginfo_t* info, void*) {
  const bool sent = info->si_code <= 0 && info->si_pid != getpid();
  if (sent && serves.load()) return Note(number, *info);
  // Restore the earlier handler. A fault recurs by itself.
  sigaction(number, &faults_before[static_cast<size_t>(number)], nullptr);
  if (info->si_code <= 0) raise(number);
}

void Handle(int number, void (*handler)(int, siginfo_t*, void*), struct sigaction* before) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, before);
}

// glibc reserves the first real-time signals and refuses to change them, although kill(1) with
// their number is fatal, too. It sets them again when it needs them.
void IgnoreReserved(int number) {
  const std::array<uintptr_t, 8> ignore = {reinterpret_cast<uintptr_t>(SIG_IGN)};
  syscall(SYS_rt_sigaction, number, ignore.data(), nullptr, size_t{_NSIG / 8});
}

std::string NameOfProcess(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/comm"));
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

void PrepareSignals() {
  sigset_t thread_signal;
  sigemptyset(&thread_signal);
  sigaddset(&thread_signal, core::ThreadSignal());
  pthread_sigmask(SIG_UNBLOCK, &thread_signal, nullptr);
  for (const SignalRule& rule : kSignalRules) {
    if (rule.effect == SignalEffect::kIgnored) signal(rule.number, SIG_IGN);
    if (rule.effect == SignalEffect::kEndsIfSent)
      Handle(rule.number, OnFault, &faults_before[static_cast<size_t>(rule.number)]);
  }
  constexpr int kFirstRealTime = 32;  // the kernel's
  for (int number = kFirstRealTime; number < SIGRTMIN; ++number) IgnoreReserved(number);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) signal(number, SIG_IGN);
}

EndSignals::EndSignals() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  first_number = 0;
  first_sender = 0;
  event = event_;
  serves = true;
  for (const SignalRule& rule : kSignalRules)
    if (rule.effect == SignalEffect::kEnds) Handle(rule.number, OnEnd, nullptr);
}

EndSignals::~EndSignals() {
  event = -1;
  close(event_);
}

std::optional<EndSignals::Sent> EndSignals::first() {
  const int number = first_number.load();
  if (number == 0) return std::nullopt;
  return Sent{.number = number, .by = first_sender.load()};
}

std::string EndSignals::Sent::Describe() const {
  const char* name = sigabbrev_np(number);
  const std::string text =
      name == nullptr ? absl::StrCat("signal ", number) : absl::StrCat("SIG", name);
  if (by == 0) return text;
  const std::string sender = NameOfProcess(by);
  return absl::StrCat(text, " from ", sender.empty() ? "" : sender + " (", "pid ", by,
                      sender.empty() ? "" : ")");
}

}  // namespace nvdimmfs::fs
