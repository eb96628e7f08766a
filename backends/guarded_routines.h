// SPDX-License-Identifier: Apache-2.0
// The routines in which a SIGBUS is an answer: what guarded_copy.h is made of on x86.
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
// memcpy, with a CPU that has SSE or AVX; false where a page of either was gone.
bool CopySse(void* to, const void* from, size_t length) asm("nvdimmfs_guarded_copy_sse");
bool CopyAvx(void* to, const void* from, size_t length) asm("nvdimmfs_guarded_copy_avx");
}
// NOLINTEND
#endif

// Where an instruction at `rip` goes on if it is one of the routines', else 0.
uintptr_t GuardedResume(uintptr_t rip);

}  // namespace nvdimmfs::backends::internal

#endif  // NVDIMMFS_BACKENDS_GUARDED_ROUTINES_H_
