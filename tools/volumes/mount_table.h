// SPDX-License-Identifier: Apache-2.0
// Mounts, in this mount namespace or in that of another process.
#ifndef NVDIMMFS_TOOLS_VOLUMES_MOUNT_TABLE_H_
#define NVDIMMFS_TOOLS_VOLUMES_MOUNT_TABLE_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nvdimmfs::volumes {

struct MountEntry {
  dev_t device = 0;   // of the file system
  std::string root;   // the directory or file of that file system that is mounted
  std::string place;  // where
  std::string type;
  std::string source;
};

inline constexpr char kOwnMounts[] = "/proc/self/mountinfo";

// In the order in which they were mounted. Empty if the file cannot be read.
std::vector<MountEntry> MountTable(const std::string& path = kOwnMounts);
// Only mounts of the wanted file systems: skipping the rest of a long table is cheap.
std::vector<MountEntry> MountTable(const std::string& path,
                                   absl::FunctionRef<bool(dev_t)> is_wanted);
// Parses a line of mountinfo, proc(5). Nothing if it is malformed.
std::optional<MountEntry> ParseMountLine(absl::string_view line);

// The topmost mount on `place`.
std::optional<MountEntry> MountAt(const std::string& place);
// The device number of the topmost mount on `place`, as stat(2) gives it; the table has the same
// number except for file systems with subvolumes (btrfs). Looks only at `place`, not at the table,
// and asks no server. Nothing if `place` is not a mount point.
std::optional<dev_t> DeviceAt(const std::string& place);

// Whether `path` is `top` or lies below it.
bool IsWithin(absl::string_view path, absl::string_view top);

// Unmounts everything at `place` and below, the latest mount first. Retries a busy mount for two
// seconds, then detaches it; detaches a mount at once if its server does not answer.
absl::Status UnmountTree(const std::string& place);

// The same, but a busy mount stays. Refused with EBUSY, "volume.busy_mount", after `patience`;
// mounts below the busy one may be gone by then.
absl::Status UnmountIdle(const std::string& place, absl::Duration patience);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_MOUNT_TABLE_H_
