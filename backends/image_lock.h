// SPDX-License-Identifier: Apache-2.0
// Keeps two users off one image.
//
// nvdimmfs against nvdimmfs: flock(2), exclusive for a read-write open and shared for a read-only
// one; and for QEMU's block layer the locks that it takes itself (block_locks.h). Both are held for
// as long as a duplicate of the descriptor is open. For all other programs (QEMU's memory backends
// take no lock): a check which processes have the file open or mapped, at the time of the call
// only. A read-write user gets a note if that check may miss a process.
#ifndef NVDIMMFS_BACKENDS_IMAGE_LOCK_H_
#define NVDIMMFS_BACKENDS_IMAGE_LOCK_H_

#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::backends {

// Locks the image of `fd` for a read-only or a read-write user. `path` is for messages. Refused
// with EBUSY, "image.busy", naming the process, while another process has it open (read-write user)
// or open for writing (read-only user). Waits a tenth of a second for a process that only looks,
// two seconds for an nvdimmfs, which may be about to end, and as long as it takes for one that is
// closing the file (closing_mark.h); after a second it logs that. Thread rules: any thread.
absl::Status LockImage(int fd, const std::string& path, bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_LOCK_H_
