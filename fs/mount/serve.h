// SPDX-License-Identifier: Apache-2.0
// Serve (mount.h) over any Model.
#ifndef NVDIMMFS_FS_MOUNT_SERVE_H_
#define NVDIMMFS_FS_MOUNT_SERVE_H_

#include <functional>

#include "absl/status/status.h"
#include "fs/files/model.h"
#include "fs/mount/mount_options.h"
#include "fs/tree/tree.h"

namespace nvdimmfs::fs {

absl::Status ServeModel(Model& model, Tree& tree, const MountOptions& options,
                        std::function<void(absl::Status)> on_ready,
                        std::function<void()> on_end = nullptr);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_MOUNT_SERVE_H_
