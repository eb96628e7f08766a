// SPDX-License-Identifier: Apache-2.0
// Routines in which a SIGBUS is a result: the x86 implementation of guarded_copy.h.
//
// The handler of SIGBUS (sigbus_guard.h) knows them by their addresses. Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_GUARDED_ROUTINES_H_
#define NVDIMMFS_BACKENDS_GUARDED_ROUTINES_H_

#include <cstddef>
#include <cstdint>

namespace nvdimmfs::backends::internal {

#if defined(__x86_64__)
// NOLINTBEGIN: labels
extern "C" {
// memcpy for CPUs with SSE or AVX; false if a page of either side was gone.
bool CopySse(void* to, const void* from, size_t length) asm("nvdimmfs_guarded_copy_sse");
bool CopyAvx(void* to, const void* from, size_t length) asm("nvdimmfs_guarded_copy_avx");
}
// NOLINTEND
#endif

// The address where execution continues if `rip` is in one of the routines, else 0.
uintptr_t GuardedResume(uintptr_t rip);

}  // namespace nvdimmfs::backends::internal

#endif  // NVDIMMFS_BACKENDS_GUARDED_ROUTINES_H_
