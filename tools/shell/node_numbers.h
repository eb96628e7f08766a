// The numbers that the tree's devices have in a shell: none that the host's devices have.
//
// Tools join what they find by number: lsblk shows the mount points of the host's 259:0 beside a
// pmem0 that is 259:0 too. A mount shows a kernel's usual numbers until a shell has chosen others
// for it (bus/nd/x/numbers); with --block those of the loop devices that its disks become.
#ifndef NVDIMMFS_TOOLS_SHELL_NODE_NUMBERS_H_
#define NVDIMMFS_TOOLS_SHELL_NODE_NUMBERS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::tools {

using NodeNumbers = std::map<std::string, uint32_t>;  // "dimm": 245, as bus/nd/x/numbers has them

// Empty where the tree says none. `tree` is the top of the mounted tree.
NodeNumbers ReadNodeNumbers(const std::string& tree);

// Of disk K: `first` + K * `step` is its minor.
struct DiskNumbers {
  uint32_t major = 0, first = 0, step = 1;
};

// Chooses them, with `disks` for disks, and tells the tree. To be called while /proc and /sys are
// the host's. Refused with what writing them says, "shell.numbers".
absl::Status ChooseNodeNumbers(const std::string& tree, const std::optional<DiskNumbers>& disks);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_NODE_NUMBERS_H_
