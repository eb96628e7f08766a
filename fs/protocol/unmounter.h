// SPDX-License-Identifier: Apache-2.0
// Ends a mount for a daemon that has given up the right to do so (fs/mount/mount_keeper.h).
#ifndef NVDIMMFS_FS_PROTOCOL_UNMOUNTER_H_
#define NVDIMMFS_FS_PROTOCOL_UNMOUNTER_H_

namespace nvdimmfs::fs {

// Thread rules: any thread, which must not serve the mount.
class Unmounter {
 public:
  virtual ~Unmounter() = default;

  // Has the kernel write back the mount's dirty pages.
  virtual void WriteBack() = 0;
  // Unmounts, lazily if something uses the mount. False if it is still there.
  virtual bool Unmount() = 0;
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_PROTOCOL_UNMOUNTER_H_
