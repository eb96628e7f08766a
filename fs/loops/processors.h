// SPDX-License-Identifier: Apache-2.0
// The processors that this process may use.
//
// Thread rules: any thread; results apply to the calling one.
#ifndef NVDIMMFS_FS_LOOPS_PROCESSORS_H_
#define NVDIMMFS_FS_LOOPS_PROCESSORS_H_

#include <sched.h>

namespace nvdimmfs::fs {

// Empty if they cannot be determined.
inline cpu_set_t OurProcessors() {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  sched_getaffinity(0, sizeof processors, &processors);
  return processors;
}

inline int CountProcessors() {
  const cpu_set_t processors = OurProcessors();
  return CPU_COUNT(&processors);
}

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_PROCESSORS_H_
