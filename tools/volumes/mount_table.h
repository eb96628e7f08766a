// What is mounted in this mount namespace, and taking it away.
#ifndef NVDIMMFS_TOOLS_VOLUMES_MOUNT_TABLE_H_
#define NVDIMMFS_TOOLS_VOLUMES_MOUNT_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace nvdimmfs::volumes {

struct MountEntry {
  std::string source;
  std::string place;
  std::string type;
};

// In the order in which they were made.
std::vector<MountEntry> MountTable();

// The topmost mount on `place`.
std::optional<MountEntry> MountAt(const std::string& place);

// Unmounts everything at `place` and below, the last one first. Who is busy is asked again for two
// seconds, then detached; what nobody answers for is detached at once.
absl::Status UnmountTree(const std::string& place);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_MOUNT_TABLE_H_
