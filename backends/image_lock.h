// SPDX-License-Identifier: Apache-2.0
// Keeps two users off one image.
//
// nvdimmfs against nvdimmfs: flock(2), exclusive for a read-write open and shared for a read-only
// one; and for QEMU's block layer the locks that it takes itself (block_locks.h). Both are held as
// long as a duplicate of the descriptor is open. Against everybody else (QEMU's memory backends
// take no lock): a look at who has the file open or mapped, at the time of the call only. A
// read-write user is told where that look may miss somebody.
#ifndef NVDIMMFS_BACKENDS_IMAGE_LOCK_H_
#define NVDIMMFS_BACKENDS_IMAGE_LOCK_H_

#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::backends {

// Locks the image of `fd` for a read-only or a read-write user. `path` is for sentences.
// Refused with EBUSY, "image.busy", naming the process, while somebody else has it open (read-write
// user) or open for writing (read-only user). Waits a tenth of a second for one who just looks, two
// seconds for an nvdimmfs, whose mount may just have been left, and for one that is closing the
// file (closing_mark.h) as long as that takes; after a second the log says so. Thread rules: any
// thread.
absl::Status LockImage(int fd, const std::string& path, bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_LOCK_H_
