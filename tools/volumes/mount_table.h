// What is mounted: in this mount namespace, or in that of another process.
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

// In the order in which they were made. Empty where the file cannot be read.
std::vector<MountEntry> MountTable(const std::string& path = kOwnMounts);
// Of these file systems alone: the rest of a long table costs little.
std::vector<MountEntry> MountTable(const std::string& path,
                                   absl::FunctionRef<bool(dev_t)> is_wanted);
// A line of proc(5), mountinfo. Nothing: it is malformed.
std::optional<MountEntry> ParseMountLine(absl::string_view line);

// The topmost mount on `place`.
std::optional<MountEntry> MountAt(const std::string& place);
// The file system of the topmost mount on `place`, as stat(2) numbers it, which is as the table
// does but for file systems with volumes of their own (btrfs). Looks at `place` alone, however long
// the table is, and asks no server. Nothing: it is no mount point.
std::optional<dev_t> DeviceAt(const std::string& place);

// Whether `path` is `top` or lies below it.
bool IsWithin(absl::string_view path, absl::string_view top);

// Unmounts everything at `place` and below, the last one first. A mount that is busy is tried again
// for two seconds, then detached; one whose server does not answer is detached at once.
absl::Status UnmountTree(const std::string& place);

// The same, but a mount that is busy stays. Refused with EBUSY, "volume.busy_mount", after
// `patience`; what is mounted below the busy one may be gone by then.
absl::Status UnmountIdle(const std::string& place, absl::Duration patience);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_MOUNT_TABLE_H_
