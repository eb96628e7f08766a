// SPDX-License-Identifier: Apache-2.0
// A detached copy of the mounts at a path and below it (open_tree, move_mount).
#ifndef NVDIMMFS_TOOLS_SHELL_MOUNT_COPY_H_
#define NVDIMMFS_TOOLS_SHELL_MOUNT_COPY_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::tools {

class MountCopy {
 public:
  // Copies a directory, a file, or a symbolic link itself. Refused with the errno, "shell.mount".
  static absl::StatusOr<MountCopy> Of(const std::string& path);

  // Mounts the copy; call it once. A link at `place` is covered, not followed. Refused likewise.
  absl::Status Put(const std::string& place) const;
  int descriptor() const { return descriptor_.get(); }

 private:
  explicit MountCopy(posix::Descriptor mount) : descriptor_(std::move(mount)) {}

  posix::Descriptor descriptor_;
};

// The refusal "shell: WHAT ON: why" with the current errno, "shell.mount".
absl::Status MountFailed(absl::string_view what, absl::string_view on);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_MOUNT_COPY_H_
