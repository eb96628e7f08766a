// SPDX-License-Identifier: Apache-2.0
#include "tools/hardening/seccomp_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "tools/hardening/syscall_table.h"

namespace nvdimmfs::hardening {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kMachine = AUDIT_ARCH_X86_64;
constexpr uint32_t kForeignNumbers = 0x40000000;  // x32
#elif defined(__aarch64__)
constexpr uint32_t kMachine = AUDIT_ARCH_AARCH64;
constexpr uint32_t kForeignNumbers = 0;
#else
#error "no seccomp filter for this machine"
#endif

constexpr uint32_t Refusal(int error) {
  return SECCOMP_RET_ERRNO | (static_cast<uint32_t>(error) & SECCOMP_RET_DATA);
}

uint32_t ResultOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAllow:
      return SECCOMP_RET_ALLOW;
    case Verdict::kRefuse:
      return Refusal(EPERM);
    case Verdict::kKill:
      return SECCOMP_RET_KILL_PROCESS;
  }
  return SECCOMP_RET_KILL_PROCESS;
}

sock_filter Load(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}
sock_filter Return(uint32_t result) { return BPF_STMT(BPF_RET | BPF_K, result); }
sock_filter Jump(uint16_t test, uint32_t value, size_t if_true, size_t if_false) {
  return BPF_JUMP(static_cast<uint16_t>(BPF_JMP | test | BPF_K), value,
                  static_cast<uint8_t>(if_true), static_cast<uint8_t>(if_false));
}

// Little-endian machines: the lower half comes first.
size_t LowerHalf(uint32_t argument) {
  return offsetof(seccomp_data, args) + argument * sizeof(uint64_t);
}

// Goes on behind the last instruction unless the rule applies.
Filter Apply(const SyscallRule& rule, pid_t self) {
  const sock_filter result = Return(ResultOf(rule.verdict));
  const ArgumentTest& test = rule.test;
  const sock_filter load = Load(LowerHalf(test.argument));
  switch (test.kind) {
    case ArgumentTest::Kind::kNone:
      return {result};
    case ArgumentTest::Kind::kIs:
      return {load, Jump(BPF_JEQ, test.value, 0, 1), result};
    case ArgumentTest::Kind::kIsOwnProcess:
      return {load, Jump(BPF_JEQ, static_cast<uint32_t>(self), 0, 1), result};
    case ArgumentTest::Kind::kHasNone:
      return {load, Jump(BPF_JSET, test.value, 1, 0), result};
    case ArgumentTest::Kind::kHasAll:
      return {load, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, test.value),
              Jump(BPF_JEQ, test.value, 0, 1), result};
    case ArgumentTest::Kind::kIsNull:
      return {load, Jump(BPF_JEQ, 0, 0, 3), Load(LowerHalf(test.argument) + sizeof(uint32_t)),
              Jump(BPF_JEQ, 0, 0, 1), result};
  }
  return {};
}

void Append(const Filter& part, Filter& filter) {
  filter.insert(filter.end(), part.begin(), part.end());
}

}  // namespace

Filter MakeFilter(uint32_t users, pid_t self) {
  Filter filter = {Load(offsetof(seccomp_data, arch)), Jump(BPF_JEQ, kMachine, 1, 0),
                   Return(SECCOMP_RET_KILL_PROCESS), Load(offsetof(seccomp_data, nr))};
  if (kForeignNumbers != 0)
    Append({Jump(BPF_JGE, kForeignNumbers, 0, 1), Return(SECCOMP_RET_KILL_PROCESS)}, filter);
  const auto rules = SyscallRules();
  for (auto first = rules.begin(); first != rules.end();) {
    const auto last = std::find_if(
        first, rules.end(), [&](const SyscallRule& rule) { return rule.number != first->number; });
    Filter call;
    for (auto rule = first; rule != last; ++rule)
      if ((rule->users & users) != 0) Append(Apply(*rule, self), call);
    if (!call.empty()) {
      // The number is in the accumulator until a rule looks at an argument; that ends in a result.
      call.push_back(Return(Refusal(EPERM)));
      filter.push_back(Jump(BPF_JEQ, first->number, 0, call.size()));
      Append(call, filter);
    }
    first = last;
  }
  filter.push_back(Return(Refusal(ENOSYS)));
  return filter;
}

bool HasSeccomp() {
  const uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int Install(const Filter& filter) {
  Filter program = filter;
  const sock_fprog given = {.len = static_cast<uint16_t>(program.size()), .filter = program.data()};
  for (const unsigned flags :
       {SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_TSYNC}) {
    const long done = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &given);
    if (done == 0) return 0;
    if (done > 0) return EBUSY;  // a thread with a filter of its own
    if (errno != EINVAL) return errno;
  }
  return EINVAL;
}

}  // namespace nvdimmfs::hardening
