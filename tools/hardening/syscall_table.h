// SPDX-License-Identifier: Apache-2.0
// Which system calls the programs may make once they are confined, declared once.
//
// A call that the table does not list fails with ENOSYS, so that the C library falls back to an
// older one; a listed call whose arguments no rule accepts fails with EPERM; a call that only an
// intruder makes (execve, ptrace, mount ...) kills the process.
#ifndef NVDIMMFS_TOOLS_HARDENING_SYSCALL_TABLE_H_
#define NVDIMMFS_TOOLS_HARDENING_SYSCALL_TABLE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nvdimmfs::hardening {

// Who makes a call; a filter is made for several of them together.
enum CallUser : uint32_t {
  kLook = 1 << 0,    // a form that only reads its sources: list, map, check
  kStore = 1 << 1,   // a form that also writes: check --repair, map --svg
  kServe = 1 << 2,   // the daemon of a mount
  kUring = 1 << 3,   // ... with FUSE over io_uring
  kDevice = 1 << 4,  // ... or a form, over a source that drives a device
  kKeep = 1 << 5,    // root's mount keeper
};

enum class Verdict { kAllow, kRefuse, kKill };

// What a rule requires of one argument. All but kIsNull look at its lower 32 bits.
struct ArgumentTest {
  enum class Kind {
    kNone,          // any arguments
    kIs,            // equals `value`
    kHasAll,        // has all bits of `value`
    kHasNone,       // has no bit of `value`
    kIsNull,        // all 64 bits are zero
    kIsOwnProcess,  // the number of the process that makes the filter
  };
  Kind kind = Kind::kNone;
  uint32_t argument = 0;  // from 0
  uint32_t value = 0;
};

struct SyscallRule {
  uint32_t number;
  absl::string_view name;
  uint32_t users;  // of CallUser
  Verdict verdict = Verdict::kAllow;
  ArgumentTest test = {};
};

// The rules of one call stand together; the first that applies decides.
absl::Span<const SyscallRule> SyscallRules();

}  // namespace nvdimmfs::hardening

#endif  // NVDIMMFS_TOOLS_HARDENING_SYSCALL_TABLE_H_
