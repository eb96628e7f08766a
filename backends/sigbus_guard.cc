#include "backends/sigbus_guard.h"

#include <signal.h>
#include <ucontext.h>

#include <mutex>

namespace nvdimmfs::backends {
namespace internal {

constinit thread_local SigbusFrame* volatile current_sigbus_frame = nullptr;

}  // namespace internal
namespace {

struct sigaction previous_action;

// Hands a SIGBUS that is not ours to whoever had it before.
void PassOn(int signal, siginfo_t* info, void* context) {
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
    return;
  }
  if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
    return;
  }
  // The faulting instruction runs again and now meets the default action. A SIGBUS that another
  // process sent would not come again: raise it.
  ::signal(SIGBUS, SIG_DFL);
  if (info->si_code <= 0) raise(SIGBUS);
}

#ifdef NVDIMMFS_SIGBUS_LONGJMP
void GoOn(internal::ResumePoint& resume, ucontext_t* context) {
  // The jump restores no signal mask; what it was before the signal is in the context.
  pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, nullptr);
  siglongjmp(resume, 1);
}
#else
// The handler returns to there.
void GoOn(const internal::ResumePoint& resume, ucontext_t* context) {
  context->uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(resume.rip);
  context->uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(resume.rsp);
  context->uc_mcontext.gregs[REG_RBP] = static_cast<greg_t>(resume.rbp);
}
#endif

void OnSigbus(int signal, siginfo_t* info, void* context) {
  internal::SigbusFrame* frame = internal::current_sigbus_frame;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  // si_code > 0: the kernel raised it for an access; memory errors may give just the page.
  const bool ours = frame != nullptr && info->si_code > 0 && address < frame->end &&
                    address >= (frame->start & ~uintptr_t{4095});
  if (!ours) return PassOn(signal, info, context);
  GoOn(frame->resume, static_cast<ucontext_t*>(context));
}

}  // namespace

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
