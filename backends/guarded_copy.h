// SPDX-License-Identifier: Apache-2.0
// Copies out of a mapping whose pages may be gone, at the cost of a plain copy.
//
// SurvivesSigbus (sigbus_guard.h) records before each access where to continue, which for a small
// read costs as much as the read. These two are routines at known addresses instead: a SIGBUS
// within them makes them return false, and nothing needs to be recorded.
//
//   if (!GuardedCopy(out, from, n)) return GoneError();
//
// Needs InstallSigbusGuard(). Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_GUARDED_COPY_H_
#define NVDIMMFS_BACKENDS_GUARDED_COPY_H_

#include <cstddef>
#include <cstdint>

namespace nvdimmfs::backends {

// memcpy. Returns false if a page of either side was gone; what was copied is then unknown. The
// routine for this CPU is chosen before main.
using GuardedCopyRoutine = bool (*)(void* to, const void* from, size_t length);
extern const GuardedCopyRoutine GuardedCopy;

// One aligned word, in one load.
[[nodiscard]] bool GuardedLoad32(uint32_t* value, const void* from)
#if defined(__x86_64__)
    asm("nvdimmfs_guarded_load32")
#endif
        ;

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_GUARDED_COPY_H_
