// SPDX-License-Identifier: Apache-2.0
// A thread whose memory allocations must not wait for writes to the mount that it serves.
#ifndef NVDIMMFS_FS_LOOPS_IO_FLUSHER_H_
#define NVDIMMFS_FS_LOOPS_IO_FLUSHER_H_

#include <sys/prctl.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

namespace nvdimmfs::fs {

// Marks the calling thread. Needs a capability, and may fail.
inline void BecomeIoFlusher() { prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0); }

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_LOOPS_IO_FLUSHER_H_
