// SPDX-License-Identifier: Apache-2.0
// How the kernel is told which file backs a FUSE file. Both calls need CAP_SYS_ADMIN, which the
// daemon may have given up: then a process that has it makes them (fs/mount/mount_keeper.h).
#ifndef NVDIMMFS_FS_FILES_BACKING_CALLS_H_
#define NVDIMMFS_FS_FILES_BACKING_CALLS_H_

#include <cstdint>

namespace nvdimmfs::fs {

// Thread rules: any thread.
class BackingCalls {
 public:
  virtual ~BackingCalls() = default;

  // Registers `file` with the connection of `device`, a /dev/fuse. The kernel's number of it; not
  // positive if it refuses.
  virtual int32_t OpenBacking(int device, int file);
  virtual void CloseBacking(int device, int32_t backing);
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_FILES_BACKING_CALLS_H_
