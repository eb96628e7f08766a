// SPDX-License-Identifier: Apache-2.0
// A range of loop devices that one shell reserves, with numbers higher than any program asks for.
//
// The numbers are known before a device is attached, so sysfs shows a disk's number correctly from
// the start: disk K of the tree is loop device first + 1 + K. The device `first` is never attached;
// while it exists, the range is taken.
#ifndef NVDIMMFS_TOOLS_SHELL_LOOP_RANGE_H_
#define NVDIMMFS_TOOLS_SHELL_LOOP_RANGE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "tools/shell/node_numbers.h"

namespace nvdimmfs::tools {

struct LoopRange {
  static constexpr uint32_t kFirst = 1 << 10;  // no range starts below

  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t shift = 0;  // low bits of a minor that number partitions (the module's max_part)
  bool owned = false;  // false: another shell on the same tree owns the range

  // Reserves a free range. If the disks of the mounted tree `tree` already have such numbers,
  // returns their range, which another shell owns. `control` is /dev/loop-control. Refused with the
  // kernel's errno, "shell.block".
  static absl::StatusOr<LoopRange> Take(int control, const std::string& tree);
  // Releases the range if it is owned. Its devices must be detached.
  void Give(int control) const;

  // The numbers of the tree's disks.
  DiskNumbers numbers() const;
  uint32_t MinorOf(uint32_t index) const { return index << shift; }
  uint32_t IndexOf(uint32_t minor) const { return minor >> shift; }
  bool Holds(uint32_t index) const { return index >= first && index - first < count; }
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_LOOP_RANGE_H_
