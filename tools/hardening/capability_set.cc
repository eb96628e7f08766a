// SPDX-License-Identifier: Apache-2.0
#include "tools/hardening/capability_set.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace nvdimmfs::hardening {
namespace {

struct Sets {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3] = {};
};

bool Get(Sets& sets) { return syscall(SYS_capget, &sets.header, sets.words) == 0; }

CapabilitySet Join(uint32_t low, uint32_t high) { return low | (CapabilitySet{high} << 32); }

}  // namespace

CapabilitySet OwnCapabilities() {
  Sets sets;
  if (!Get(sets)) return 0;
  return Join(sets.words[0].effective, sets.words[1].effective) |
         Join(sets.words[0].permitted, sets.words[1].permitted);
}

int KeepCapabilities(CapabilitySet kept) {
  Sets sets;
  if (!Get(sets)) return errno;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // unknown before Linux 4.3
  // First: it needs a capability itself. It fails with EINVAL behind the last that the kernel has.
  for (int capability = 0; capability < 64; ++capability)
    if ((kept & Bit(capability)) == 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) break;
  for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; ++i) {
    const auto word = static_cast<uint32_t>(kept >> (32 * i));
    sets.words[i].effective &= word;
    sets.words[i].permitted &= word;
    sets.words[i].inheritable = 0;
  }
  return syscall(SYS_capset, &sets.header, sets.words) == 0 ? 0 : errno;
}

}  // namespace nvdimmfs::hardening
