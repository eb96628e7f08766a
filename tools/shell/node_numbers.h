// SPDX-License-Identifier: Apache-2.0
// Device numbers of the tree's devices in a shell; they differ from those of the host's devices.
//
// Tools match devices by number: lsblk would show the mount points of the host's 259:0 next to a
// pmem0 that is also 259:0. A mount shows a kernel's usual numbers until a shell chooses others
// for it (bus/nd/x/numbers): with --block, those of the disks' loop devices.
#ifndef NVDIMMFS_TOOLS_SHELL_NODE_NUMBERS_H_
#define NVDIMMFS_TOOLS_SHELL_NODE_NUMBERS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::tools {

using NodeNumbers = std::map<std::string, uint32_t>;  // "dimm": 245, as in bus/nd/x/numbers

// Empty if the tree shows none. `tree` is the top of the mounted tree.
NodeNumbers ReadNodeNumbers(const std::string& tree);

// The minor of disk K is `first` + K * `step`.
struct DiskNumbers {
  uint32_t major = 0, first = 0, step = 1;
};

// Chooses them, with `disks` for disks, and tells the tree. Call it while /proc and /sys are still
// the host's. Refused with the errno of the write, "shell.numbers".
absl::Status ChooseNodeNumbers(const std::string& tree, const std::optional<DiskNumbers>& disks);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_NODE_NUMBERS_H_
