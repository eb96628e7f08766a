// SPDX-License-Identifier: Apache-2.0
// The locks with which QEMU's block layer keeps two users off one image: one byte of the file for
// each operation that a user performs (from 100 on), and one for each that it does not allow others
// (from 200 on). Source: docs/devel and block/file-posix.c of QEMU; virt tools follow it. Nothing
// is stored in these bytes.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_BLOCK_LOCKS_H_
#define NVDIMMFS_BACKENDS_BLOCK_LOCKS_H_

namespace nvdimmfs::backends {

// Takes the locks of a reader that excludes writers, or of a writer that excludes everything else.
// They are held until the last duplicate of `fd` is closed. Returns false, and takes none, if
// another user's locks conflict. Returns true if the file system does not support such locks.
bool TakeBlockLocks(int fd, bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_BLOCK_LOCKS_H_
