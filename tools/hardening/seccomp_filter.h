// SPDX-License-Identifier: Apache-2.0
// A seccomp filter made from syscall_table.h: a program of classic BPF, without libseccomp.
//
// Source: Documentation/userspace-api/seccomp_filter.rst.
// Thread rules: any thread.
#ifndef NVDIMMFS_TOOLS_HARDENING_SECCOMP_FILTER_H_
#define NVDIMMFS_TOOLS_HARDENING_SECCOMP_FILTER_H_

#include <linux/filter.h>
#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace nvdimmfs::hardening {

using Filter = std::vector<sock_filter>;

// For a process `self` that needs the calls of all `users` (CallUser). It accepts no calls of
// another ABI of the machine (32-bit programs, x32).
Filter MakeFilter(uint32_t users, pid_t self);

// Whether the kernel can filter system calls.
bool HasSeccomp();

// Applies it to every thread of the process, for good. Refused calls go to the kernel's audit log.
// Returns 0 or an errno. The process must have no_new_privs, or CAP_SYS_ADMIN.
int Install(const Filter& filter);

}  // namespace nvdimmfs::hardening

#endif  // NVDIMMFS_TOOLS_HARDENING_SECCOMP_FILTER_H_
