// SPDX-License-Identifier: Apache-2.0
// The locks by which QEMU's block layer keeps two users off an image: one byte of the file for each
// thing that a user does (from 100 on), and for each that it lets no other user do (from 200 on).
// docs/devel and block/file-posix.c of QEMU; virt tools follow it. Nothing is stored in these
// bytes.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_BLOCK_LOCKS_H_
#define NVDIMMFS_BACKENDS_BLOCK_LOCKS_H_

namespace nvdimmfs::backends {

// Takes them for a reader, beside whom nobody writes, or for a writer who is alone. They are kept
// until the last duplicate of `fd` is closed. False where somebody else's locks are against it;
// none is then taken. True, too, where the file system has no such locks.
bool TakeBlockLocks(int fd, bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_BLOCK_LOCKS_H_
