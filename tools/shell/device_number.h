// SPDX-License-Identifier: Apache-2.0
// Device numbers, as the attribute `dev` shows them in the tree and in the host's /sys.
#ifndef NVDIMMFS_TOOLS_SHELL_DEVICE_NUMBER_H_
#define NVDIMMFS_TOOLS_SHELL_DEVICE_NUMBER_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace nvdimmfs::tools {

// The number in file `attribute` ("245:0\n") below `folder`, a descriptor; nothing if there is
// none.
std::optional<dev_t> ReadNumber(int folder, const std::string& attribute);

// Names in /dev that take control commands.
bool IsDimmNode(absl::string_view name);     // "nmem0"
bool IsControlNode(absl::string_view name);  // that, or "ndctl0"

// The parts of the name of a pmem block device: "pmem0.1p2" is {"pmem0.1", "p2"}, "pmem0s1" is
// {"pmem0s", "1"}; a disk has no partition. Nothing for other names.
struct DiskName {
  std::string disk, partition;
};
std::optional<DiskName> ParseDiskName(absl::string_view name);

// The folder of the character device `name` ("nmem0", "ndctl0", "dax0.0"), from the top of a
// mounted tree; nothing for other names.
std::optional<std::string> FolderOfNode(absl::string_view name);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_DEVICE_NUMBER_H_
