// SPDX-License-Identifier: Apache-2.0
// Survives an access to a mapped page that is gone.
//
// A page of a mapped file raises SIGBUS when the file was truncated, when its disk cannot read it,
// when its file system has no room for a hole's first store, or when memory reports it as poisoned.
// SurvivesSigbus turns that into `false` for this one access.
//
//   if (!SurvivesSigbus(at, n, [&] { std::memcpy(out, at, n); })) return GoneError();
//
// A SIGBUS outside a guarded range goes to the previous handler. Thread rules: any thread in which
// SIGBUS is not blocked (a blocked SIGBUS kills the process).
#ifndef NVDIMMFS_BACKENDS_SIGBUS_GUARD_H_
#define NVDIMMFS_BACKENDS_SIGBUS_GUARD_H_

#include <csetjmp>
#include <cstddef>
#include <cstdint>

namespace nvdimmfs::backends {

// Once per process, before the first guarded access; further calls do nothing.
void InstallSigbusGuard();

// The memory that the kernel reported as failed (poison) with this thread's last SIGBUS in a
// guarded range; `length` is 0 if the page was gone for another reason. Valid right after
// SurvivesSigbus returned false.
struct MemoryFailure {
  uintptr_t start = 0;
  size_t length = 0;  // bytes
};
MemoryFailure LastMemoryFailure();

namespace internal {

// Where to continue when the page is gone. On x86 these are three registers, which the handler puts
// into the signal's context: sigsetjmp would cost a tenth of a small read. Sanitizers and shadow
// stacks need the library's jump.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define NVDIMMFS_SIGBUS_LONGJMP 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || defined(__CET__) || \
    !defined(__x86_64__)
#define NVDIMMFS_SIGBUS_LONGJMP 1
#endif

#ifdef NVDIMMFS_SIGBUS_LONGJMP
using ResumePoint = sigjmp_buf;
#else
struct ResumePoint {
  uintptr_t rip, rsp, rbp;
};
#endif

struct SigbusFrame {
  ResumePoint resume;
  uintptr_t start;  // the guarded bytes: [start, end)
  uintptr_t end;
};

// The access that this thread is in, else null. Read by the signal handler.
extern constinit thread_local SigbusFrame* volatile current_sigbus_frame;

}  // namespace internal

// Runs `access`, which may touch [start, start + length) of a mapping. Returns false if it met a
// page that is gone; then it was abandoned at the faulting instruction, and how much of it was done
// is unknown. So it must own nothing (no lock, no allocation), and it must not nest. Costs a
// register save, but no system call.
template <typename Access>
[[nodiscard, gnu::noinline]] bool SurvivesSigbus(const void* start, size_t length,
                                                 const Access& access) {
  internal::SigbusFrame frame;
  frame.start = reinterpret_cast<uintptr_t>(start);
  frame.end = frame.start + length;
#ifdef NVDIMMFS_SIGBUS_LONGJMP
  // The signal mask is not saved (that would be a system call): the handler knows it.
  if (sigsetjmp(frame.resume, 0) != 0) goto gone;
#else
  // To the compiler, this may jump to `gone` with no register preserved; the code there uses only
  // what the prologue saved. Not inlined: no caller's value may be live across it.
  asm goto(
      "leaq %l[gone](%%rip), %%rax\n\t"
      "movq %%rax, 0(%[resume])\n\t"
      "movq %%rsp, 8(%[resume])\n\t"
      "movq %%rbp, 16(%[resume])"
      :
      : [resume] "r"(&frame.resume)
      : "rax", "rbx", "r12", "r13", "r14", "r15", "memory"
      : gone);
#endif
  internal::current_sigbus_frame = &frame;
  asm volatile("" ::: "memory");  // keeps the stores of `access` inside the guarded section
  access();
  asm volatile("" ::: "memory");
  internal::current_sigbus_frame = nullptr;
  return true;
gone:
  internal::current_sigbus_frame = nullptr;
  return false;
}

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SIGBUS_GUARD_H_
