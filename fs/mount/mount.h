// SPDX-License-Identifier: Apache-2.0
// The public interface of this folder: shows a device model at a mount point until it is unmounted.
#ifndef NVDIMMFS_FS_MOUNT_MOUNT_H_
#define NVDIMMFS_FS_MOUNT_MOUNT_H_

#include <functional>

#include "absl/status/status.h"
#include "core/model/engine.h"
#include "fs/mount/mount_options.h"
#include "fs/tree/tree.h"

namespace nvdimmfs::fs {

// Mounts, then calls `on_ready` once: with OK when the kernel has agreed, or with the refusal that
// is also returned. Serves until the mount is gone or a signal ends it (signals.h; then it
// unmounts, and programs that have files open get errors). Nothing is written to the media after it
// returns.
//
// `on_end` is called as soon as the mount is known to end.
//
// `tree` is the listener that `engine` was made with; it is closed then. Call from the thread that
// may own signals, before other threads exist that do not block these three.
absl::Status Serve(core::Engine& engine, Tree& tree, const MountOptions& options,
                   std::function<void(absl::Status)> on_ready,
                   std::function<void()> on_end = nullptr);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_MOUNT_MOUNT_H_
