// SPDX-License-Identifier: Apache-2.0
// Teaches ThreadSanitizer about Debian's absl::Mutex.
//
// Debian's libabsl_synchronization.so is built without the sanitizer's annotations, so that under
// --config=tsan every byte guarded by an absl::Mutex looks like a race. The functions here have the
// same names, so the dynamic linker prefers them; each calls the library's own and tells the
// sanitizer that what was released before is acquired now. Linked into --config=tsan builds only.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}

namespace {

// The library evaluates waiters' conditions on the thread that currently holds the mutex, between
// our release and our acquire: accesses in conditions are not checked.
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

template <typename Result, typename... Arguments>
Result CallReal(const char* symbol, Arguments... arguments) {
  Unjudged unjudged;
  auto* real = reinterpret_cast<Result (*)(Arguments...)>(dlsym(RTLD_NEXT, symbol));
  return real(arguments...);
}

}  // namespace

#define MANGLED(tail) "_ZN4absl7debian3" tail

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  CallReal<void>(MANGLED("5Mutex4LockEv"), this);
  __tsan_acquire(this);
}
void Mutex::Unlock() {
  __tsan_release(this);
  CallReal<void>(MANGLED("5Mutex6UnlockEv"), this);
}
bool Mutex::TryLock() {
  const bool locked = CallReal<bool>(MANGLED("5Mutex7TryLockEv"), this);
  if (locked) __tsan_acquire(this);
  return locked;
}
void Mutex::ReaderLock() {
  CallReal<void>(MANGLED("5Mutex10ReaderLockEv"), this);
  __tsan_acquire(this);
}
void Mutex::ReaderUnlock() {
  __tsan_release(this);
  CallReal<void>(MANGLED("5Mutex12ReaderUnlockEv"), this);
}
bool Mutex::ReaderTryLock() {
  const bool locked = CallReal<bool>(MANGLED("5Mutex13ReaderTryLockEv"), this);
  if (locked) __tsan_acquire(this);
  return locked;
}
void Mutex::LockWhen(const Condition& condition) {
  CallReal<void>(MANGLED("5Mutex8LockWhenERKNS0_9ConditionE"), this, &condition);
  __tsan_acquire(this);
}
void Mutex::ReaderLockWhen(const Condition& condition) {
  CallReal<void>(MANGLED("5Mutex14ReaderLockWhenERKNS0_9ConditionE"), this, &condition);
  __tsan_acquire(this);
}
void Mutex::Await(const Condition& condition) {
  __tsan_release(this);
  CallReal<void>(MANGLED("5Mutex5AwaitERKNS0_9ConditionE"), this, &condition);
  __tsan_acquire(this);
}
bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  __tsan_release(this);
  const bool held =
      CallReal<bool>(MANGLED("5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE"), this,
                     &condition, timeout);
  __tsan_acquire(this);
  return held;
}
bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  __tsan_release(this);
  const bool held = CallReal<bool>(MANGLED("5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE"),
                                   this, &condition, deadline);
  __tsan_acquire(this);
  return held;
}
void CondVar::Wait(Mutex* mutex) {
  __tsan_release(mutex);
  CallReal<void>(MANGLED("7CondVar4WaitEPNS0_5MutexE"), this, mutex);
  __tsan_acquire(mutex);
}
bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  __tsan_release(mutex);
  const bool timed_out = CallReal<bool>(
      MANGLED("7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE"), this, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}
bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  __tsan_release(mutex);
  const bool timed_out = CallReal<bool>(
      MANGLED("7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE"), this, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}

ABSL_NAMESPACE_END
}  // namespace absl
