// SPDX-License-Identifier: Apache-2.0
// The clock for measuring intervals.
#ifndef NVDIMMFS_FS_LOOPS_MONOTONIC_H_
#define NVDIMMFS_FS_LOOPS_MONOTONIC_H_

#include <time.h>

#include <cstdint>

namespace nvdimmfs::fs {

// Nanoseconds since some time in the past. Never fails; takes a few dozen nanoseconds.
inline int64_t MonotonicNow() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_MONOTONIC_H_
