// SPDX-License-Identifier: Apache-2.0
// The directory that a mount is made on, and what a killed daemon left there.
//
// The mount of a killed daemon stays and answers every call with ENOTCONN ("Transport endpoint is
// not connected"). A start at the same place removes it. Nothing is ever mounted on or in a dead
// mount.
#ifndef NVDIMMFS_FS_MOUNT_MOUNT_PLACE_H_
#define NVDIMMFS_FS_MOUNT_MOUNT_PLACE_H_

#include <string>

#include "absl/status/statusor.h"

namespace nvdimmfs::fs {

// Resolves `path` to a directory on which nothing dead is mounted, removing dead mounts of this
// program; as an ordinary user with fusermount3. The log says what was removed, and where a bind
// mount has another copy of it.
//
// Refused with the errno of the system and "mount.point"; with ENOTCONN, "mount.dead", and the
// command to type, if a dead mount cannot be removed: that of another file system, one above the
// directory, or one in which a live file system is mounted. Thread rules: any thread.
absl::StatusOr<std::string> PrepareMountpoint(const std::string& path);

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_MOUNT_MOUNT_PLACE_H_
