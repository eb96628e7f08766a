// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/mount_copy.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::tools {

absl::StatusOr<MountCopy> MountCopy::Of(const std::string& path) {
  posix::Descriptor copy(open_tree(
      AT_FDCWD, path.c_str(),
      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT));
  if (!copy) return MountFailed("copy the mount of", path);
  return MountCopy(std::move(copy));
}

absl::Status MountCopy::Put(const std::string& place) const {
  if (move_mount(descriptor_.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return MountFailed("mount on", place);
  return absl::OkStatus();
}

absl::Status MountFailed(absl::string_view what, absl::string_view on) {
  const int error = errno;
  return core::Refusal(error, "shell.mount",
                       absl::StrCat("shell: ", what, " ", on, ": ", strerror(error)));
}

}  // namespace nvdimmfs::tools
