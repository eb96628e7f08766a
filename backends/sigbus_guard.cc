// SPDX-License-Identifier: Apache-2.0
#include "backends/sigbus_guard.h"

#include <signal.h>
#include <ucontext.h>

#include <mutex>

#include "backends/guarded_routines.h"

namespace nvdimmfs::backends {
namespace internal {

constinit thread_local SigbusFrame* volatile current_sigbus_frame = nullptr;

}  // namespace internal
namespace {

struct sigaction previous_action;
constinit thread_local MemoryFailure last_failure;

// The bytes that the signal reports as failed: at least a page, since the kernel unmaps whole
// pages.
MemoryFailure FailureOf(const siginfo_t& info) {
  if (info.si_code != BUS_MCEERR_AR) return {};
  constexpr int kPageShift = 12;
  const int shift = info.si_addr_lsb;
  const size_t length = size_t{1} << (shift > kPageShift && shift < 48 ? shift : kPageShift);
  return {reinterpret_cast<uintptr_t>(info.si_addr) & ~(length - 1), length};
}

// Passes a SIGBUS that is not ours to the previous handler.
void PassOn(int signal, siginfo_t* info, void* context) {
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
    return;
  }
  if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
    return;
  }
  // The faulting instruction runs again, now with the default action. A SIGBUS sent by another
  // process would not recur, so raise it.
  ::signal(SIGBUS, SIG_DFL);
  if (info->si_code <= 0) raise(SIGBUS);
}

#ifdef NVDIMMFS_SIGBUS_LONGJMP
void GoOn(internal::ResumePoint& resume, ucontext_t* context) {
  // The jump does not restore the signal mask; the context has the previous one.
  pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, nullptr);
  siglongjmp(resume, 1);
}
#else
// Makes the handler return there.
void GoOn(const internal::ResumePoint& resume, ucontext_t* context) {
  context->uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(resume.rip);
  context->uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(resume.rsp);
  context->uc_mcontext.gregs[REG_RBP] = static_cast<greg_t>(resume.rbp);
}
#endif

// A routine of guarded_routines.h continues where it reports that the page is gone.
bool GoneInGuardedCopy(const siginfo_t* info, [[maybe_unused]] void* context) {
#if defined(__x86_64__)
  greg_t& rip = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
  const uintptr_t resume = internal::GuardedResume(static_cast<uintptr_t>(rip));
  if (info->si_code <= 0 || resume == 0) return false;
  last_failure = FailureOf(*info);
  rip = static_cast<greg_t>(resume);
  return true;
#else
  return info == nullptr;
#endif
}

void OnSigbus(int signal, siginfo_t* info, void* context) {
  // Memory that failed without being accessed: an access will get its own signal.
  if (info->si_code == BUS_MCEERR_AO) return;
  if (GoneInGuardedCopy(info, context)) return;
  internal::SigbusFrame* frame = internal::current_sigbus_frame;
  const MemoryFailure failure = FailureOf(*info);
  // The kernel may report only the start of the page, or of the failed range.
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  const uintptr_t start = failure.length != 0 ? failure.start : address & ~uintptr_t{4095};
  const uintptr_t end = failure.length != 0 ? failure.start + failure.length : address + 1;
  // si_code > 0: the kernel raised it for an access.
  const bool ours = frame != nullptr && info->si_code > 0 && start < frame->end &&
                    end > (frame->start & ~uintptr_t{4095});
  if (!ours) return PassOn(signal, info, context);
  last_failure = failure;
  GoOn(frame->resume, static_cast<ucontext_t*>(context));
}

}  // namespace

MemoryFailure LastMemoryFailure() { return last_failure; }

void InstallSigbusGuard() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_sigaction = OnSigbus;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous_action);
  });
}

}  // namespace nvdimmfs::backends
