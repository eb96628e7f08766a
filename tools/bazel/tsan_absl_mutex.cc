// SPDX-License-Identifier: Apache-2.0
// Teaches ThreadSanitizer about Debian's absl::Mutex.
//
// Abseil annotates its locks for ThreadSanitizer where the sanitizer compiles them. Its headers are
// compiled into the program: they announce a mutex (__tsan_mutex_create) and forward to the
// library. The library does the locking, and Debian compiles it without annotations, so that under
// --config=tsan every byte guarded by an absl::Mutex looks like a race. The functions here have the
// same names as the library's, so the dynamic linker prefers them. Each calls the library's own and
// tells the sanitizer that what was released before is acquired now. Linked into --config=tsan
// builds only.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/base/config.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

// From here on, the waits of the header forward to a few functions of the library, which take a
// KernelTimeout.
#define WAITS_ARE_INLINE (ABSL_LTS_RELEASE_VERSION >= 20230802)

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}

namespace {

// The library evaluates waiters' conditions on the thread that holds the mutex at that moment,
// between our release and our acquire: accesses in conditions are not checked.
class Unjudged {
 public:
  Unjudged() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unjudged() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
};

// A mangled name without its beginning, "_ZN4absl7debian3": Debian numbers the inline namespace.
template <size_t size>
struct Tail {
  constexpr Tail(const char (&literal)[size]) {
    std::copy_n(literal, size, text);
  }  // NOLINT: implicit
  char text[size] = {};
};

void* FindReal(const char* tail) {
  const std::string inline_namespace = ABSL_INTERNAL_INLINE_NAMESPACE_STR;
  const std::string symbol =
      "_ZN4absl" + std::to_string(inline_namespace.size()) + inline_namespace + tail;
  void* real = dlsym(RTLD_NEXT, symbol.c_str());
  if (real == nullptr) {
    std::fprintf(stderr, "tsan_absl_mutex: Abseil's library has no %s\n", symbol.c_str());
    std::abort();
  }
  return real;
}

template <Tail tail, typename Result, typename... Arguments>
Result CallReal(Arguments... arguments) {
  static auto* const real = reinterpret_cast<Result (*)(Arguments...)>(FindReal(tail.text));
  Unjudged unjudged;
  return real(arguments...);
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  CallReal<"5Mutex4LockEv", void>(this);
  __tsan_acquire(this);
}
void Mutex::Unlock() {
  __tsan_release(this);
  CallReal<"5Mutex6UnlockEv", void>(this);
}
bool Mutex::TryLock() {
  const bool locked = CallReal<"5Mutex7TryLockEv", bool>(this);
  if (locked) __tsan_acquire(this);
  return locked;
}
void Mutex::ReaderLock() {
  CallReal<"5Mutex10ReaderLockEv", void>(this);
  __tsan_acquire(this);
}
void Mutex::ReaderUnlock() {
  __tsan_release(this);
  CallReal<"5Mutex12ReaderUnlockEv", void>(this);
}
bool Mutex::ReaderTryLock() {
  const bool locked = CallReal<"5Mutex13ReaderTryLockEv", bool>(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

#if WAITS_ARE_INLINE

bool Mutex::LockWhenCommon(const Condition& condition,
                           synchronization_internal::KernelTimeout timeout, bool write) {
  const bool satisfied = CallReal<
      "5Mutex14LockWhenCommonERKNS0_9ConditionENS0_24synchronization_internal13KernelTimeoutEb",
      bool>(this, &condition, timeout, write);
  __tsan_acquire(this);
  return satisfied;
}
bool Mutex::AwaitCommon(const Condition& condition,
                        synchronization_internal::KernelTimeout timeout) {
  __tsan_release(this);
  const bool satisfied = CallReal<
      "5Mutex11AwaitCommonERKNS0_9ConditionENS0_24synchronization_internal13KernelTimeoutE", bool>(
      this, &condition, timeout);
  __tsan_acquire(this);
  return satisfied;
}
bool CondVar::WaitCommon(Mutex* mutex, synchronization_internal::KernelTimeout timeout) {
  __tsan_release(mutex);
  const bool timed_out =
      CallReal<"7CondVar10WaitCommonEPNS0_5MutexENS0_24synchronization_internal13KernelTimeoutE",
               bool>(this, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}

#else

void Mutex::LockWhen(const Condition& condition) {
  CallReal<"5Mutex8LockWhenERKNS0_9ConditionE", void>(this, &condition);
  __tsan_acquire(this);
}
void Mutex::ReaderLockWhen(const Condition& condition) {
  CallReal<"5Mutex14ReaderLockWhenERKNS0_9ConditionE", void>(this, &condition);
  __tsan_acquire(this);
}
void Mutex::Await(const Condition& condition) {
  __tsan_release(this);
  CallReal<"5Mutex5AwaitERKNS0_9ConditionE", void>(this, &condition);
  __tsan_acquire(this);
}
bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  __tsan_release(this);
  const bool satisfied = CallReal<"5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE", bool>(
      this, &condition, timeout);
  __tsan_acquire(this);
  return satisfied;
}
bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  __tsan_release(this);
  const bool satisfied = CallReal<"5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE", bool>(
      this, &condition, deadline);
  __tsan_acquire(this);
  return satisfied;
}
void CondVar::Wait(Mutex* mutex) {
  __tsan_release(mutex);
  CallReal<"7CondVar4WaitEPNS0_5MutexE", void>(this, mutex);
  __tsan_acquire(mutex);
}
bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  __tsan_release(mutex);
  const bool timed_out =
      CallReal<"7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE", bool>(this, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}
bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  __tsan_release(mutex);
  const bool timed_out =
      CallReal<"7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE", bool>(this, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}

#endif

ABSL_NAMESPACE_END
}  // namespace absl
