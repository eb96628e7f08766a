// SPDX-License-Identifier: Apache-2.0
// The capabilities of a thread. (libcap-ng changes those of the calling thread in several steps,
// with memory of its own; here it must work in a signal handler.)
#ifndef NVDIMMFS_TOOLS_HARDENING_CAPABILITY_SET_H_
#define NVDIMMFS_TOOLS_HARDENING_CAPABILITY_SET_H_

#include <cstdint>

namespace nvdimmfs::hardening {

// One bit for each CAP_...
using CapabilitySet = uint64_t;

constexpr CapabilitySet Bit(int capability) { return uint64_t{1} << capability; }

// Of the calling thread: its effective and permitted ones.
CapabilitySet OwnCapabilities();

// Gives up all but `kept` for the calling thread: effective, permitted, inheritable and ambient,
// and, if the thread may change it (CAP_SETPCAP), the bounding set. It gains none that it does not
// have. Returns 0 or an errno. Async-signal-safe.
int KeepCapabilities(CapabilitySet kept);

}  // namespace nvdimmfs::hardening

#endif  // NVDIMMFS_TOOLS_HARDENING_CAPABILITY_SET_H_
