// SPDX-License-Identifier: Apache-2.0
#include "tools/hardening/seccomp_filter.h"

#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "tools/hardening/syscall_table.h"

namespace nvdimmfs::hardening {
namespace {

constexpr pid_t kSelf = 4711;
constexpr uint32_t kRefused = SECCOMP_RET_ERRNO | EPERM;
constexpr uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;
constexpr uint32_t kAllUsers[] = {kLook, kStore, kServe, kServe | kUring, kServe | kDevice, kKeep};

#if defined(__x86_64__)
constexpr uint32_t kMachine = AUDIT_ARCH_X86_64;
constexpr uint32_t kOtherMachine = AUDIT_ARCH_I386;
#else
constexpr uint32_t kMachine = AUDIT_ARCH_AARCH64;
constexpr uint32_t kOtherMachine = AUDIT_ARCH_ARM;
#endif

// Runs it as the kernel does; fails on an instruction that is not part of these filters, or a jump
// beyond the end.
uint32_t Run(const Filter& filter, const seccomp_data& data) {
  uint32_t accumulator = 0;
  for (size_t at = 0; at < filter.size(); ++at) {
    const sock_filter& step = filter[at];
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        EXPECT_LE(step.k + sizeof accumulator, sizeof data);
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k,
                    sizeof accumulator);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= step.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += accumulator == step.k ? step.jt : step.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += accumulator >= step.k ? step.jt : step.jf;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        at += (accumulator & step.k) != 0 ? step.jt : step.jf;
        break;
      case BPF_RET | BPF_K:
        return step.k;
      default:
        ADD_FAILURE() << "instruction " << step.code << " at " << at;
        return 0;
    }
  }
  ADD_FAILURE() << "it has no end";
  return 0;
}

uint32_t Call(uint32_t users, uint32_t number, std::vector<uint64_t> arguments = {},
              uint32_t machine = kMachine) {
  seccomp_data data = {};
  data.nr = static_cast<int>(number);
  data.arch = machine;
  for (size_t i = 0; i < arguments.size(); ++i) data.args[i] = arguments[i];
  return Run(MakeFilter(users, kSelf), data);
}

TEST(SeccompFilter, DecidesEachCallOfTheTableAsItSays) {
  for (const uint32_t users : kAllUsers)
    for (const SyscallRule& rule : SyscallRules()) {
      if ((rule.users & users) == 0 || rule.test.kind != ArgumentTest::Kind::kNone) continue;
      const uint32_t result = Call(users, rule.number, {0, 0, 0, 0, 0, 0});
      // An earlier rule of the same call may have allowed these arguments.
      if (rule.verdict == Verdict::kAllow) {
        EXPECT_EQ(SECCOMP_RET_ALLOW, result) << rule.name;
      }
      if (rule.verdict == Verdict::kKill) {
        EXPECT_EQ(SECCOMP_RET_KILL_PROCESS, result) << rule.name;
      }
    }
}

TEST(SeccompFilter, RulesOfACallStandTogether) {
  std::set<uint32_t> seen;
  uint32_t last = ~0u;
  for (const SyscallRule& rule : SyscallRules()) {
    if (rule.number == last) continue;
    EXPECT_TRUE(seen.insert(rule.number).second) << rule.name;
    last = rule.number;
  }
}

TEST(SeccompFilter, KillsWhatOnlyAnIntruderDoes) {
  for (const uint32_t users : kAllUsers)
    for (const uint32_t number :
         {__NR_execve, __NR_execveat, __NR_ptrace, __NR_bpf, __NR_mount, __NR_process_vm_writev,
          __NR_init_module, __NR_kexec_load, __NR_unshare, __NR_setns, __NR_open_by_handle_at})
      EXPECT_EQ(SECCOMP_RET_KILL_PROCESS, Call(users, number)) << number;
}

TEST(SeccompFilter, KillsCallsOfAnotherAbi) {
  EXPECT_EQ(SECCOMP_RET_KILL_PROCESS, Call(kServe, __NR_read, {}, kOtherMachine));
#if defined(__x86_64__)
  EXPECT_EQ(SECCOMP_RET_KILL_PROCESS, Call(kServe, 0x40000000 | __NR_read));
#endif
}

TEST(SeccompFilter, AnUnknownCallDoesNotExist) {
  for (const uint32_t users : kAllUsers) {
    EXPECT_EQ(kUnknown, Call(users, 4000));
    EXPECT_EQ(kUnknown, Call(users, __NR_clone3));  // the C library then uses clone
  }
}

TEST(SeccompFilter, AFormThatLooksOpensNothingForWriting) {
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kLook, __NR_openat, {0, 0, O_RDONLY | O_CLOEXEC}));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kLook, __NR_openat, {0, 0, O_RDONLY | O_DIRECTORY}));
  for (const int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC,
                          O_TMPFILE | O_RDWR, O_RDWR | O_CLOEXEC})
    EXPECT_EQ(kRefused, Call(kLook, __NR_openat, {0, 0, static_cast<uint64_t>(flags)})) << flags;
  EXPECT_EQ(kUnknown, Call(kLook, __NR_unlinkat));
  EXPECT_EQ(kUnknown, Call(kLook, __NR_ftruncate));
  EXPECT_EQ(kUnknown, Call(kLook, __NR_pwrite64));
  EXPECT_EQ(kUnknown, Call(kLook, __NR_socket, {AF_UNIX}));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kStore, __NR_openat, {0, 0, O_RDWR | O_CREAT}));
}

TEST(SeccompFilter, AllowsThreadsButNoProcesses) {
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kServe, __NR_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND}));
  EXPECT_EQ(kRefused, Call(kServe, __NR_clone, {17}));
#ifdef __NR_fork
  EXPECT_EQ(kRefused, Call(kServe, __NR_fork));
#endif
}

TEST(SeccompFilter, LooksAtTheArguments) {
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kServe, __NR_socket, {AF_UNIX}));
  EXPECT_EQ(kRefused, Call(kServe, __NR_socket, {AF_INET}));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kServe, __NR_tgkill, {kSelf, 5000, 12}));
  EXPECT_EQ(kRefused, Call(kServe, __NR_tgkill, {1, 1, 9}));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kServe, __NR_prlimit64, {0, 7, 0, 0x7fff12345678}));
  EXPECT_EQ(kRefused, Call(kServe, __NR_prlimit64, {0, 7, 0x7fff12345678, 0}));
  EXPECT_EQ(kRefused, Call(kServe, __NR_prlimit64, {0, 7, uint64_t{1} << 32, 0}));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kServe, __NR_prctl, {PR_SET_NAME}));
  EXPECT_EQ(kRefused, Call(kServe, __NR_prctl, {PR_SET_SECUREBITS}));
  EXPECT_EQ(kRefused, Call(kServe, __NR_ioctl, {0, TIOCSTI}));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kServe, __NR_ioctl, {0, TCGETS}));
}

TEST(SeccompFilter, LoadsNewCodeForADeviceAlone) {
  EXPECT_EQ(kRefused, Call(kServe, __NR_mmap, {0, 4096, PROT_READ | PROT_EXEC}));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kServe, __NR_mmap, {0, 4096, PROT_READ | PROT_WRITE}));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kServe | kDevice, __NR_mmap, {0, 4096, PROT_EXEC}));
  EXPECT_EQ(kRefused, Call(kServe, __NR_mprotect, {0, 4096, PROT_EXEC}));
}

TEST(SeccompFilter, AllowsWhatAnOptionNeedsWithItAlone) {
  EXPECT_EQ(kUnknown, Call(kServe, __NR_io_uring_enter));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kServe | kUring, __NR_io_uring_enter));
  EXPECT_EQ(kUnknown, Call(kServe | kUring, __NR_io_uring_setup));
  EXPECT_EQ(kRefused, Call(kServe, __NR_umount2));
  EXPECT_EQ(SECCOMP_RET_ALLOW, Call(kKeep, __NR_umount2));
}

}  // namespace
}  // namespace nvdimmfs::hardening
