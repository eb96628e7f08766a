// Loop devices that a shell has for itself: from a number on that no program asks for.
//
// With numbers known before a device is attached, what sysfs says of a disk is true from the start:
// disk K of the tree is the loop device first + 1 + K. The device `first` is never attached; while
// it exists, the range is taken.
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
  uint32_t shift = 0;  // bits of a minor that are a partition's (the module's max_part)
  bool owned = false;  // not another shell's on the same tree

  // Takes a free one; with `tree`, the top of a mounted tree whose disks have such numbers already,
  // that one, which another shell owns. `control` is /dev/loop-control. Refused with what the
  // kernel says, "shell.block".
  static absl::StatusOr<LoopRange> Take(int control, const std::string& tree);
  // Gives it back, as the owner. Devices in it must be detached.
  void Give(int control) const;

  // Those of the tree's disks.
  DiskNumbers numbers() const;
  uint32_t MinorOf(uint32_t index) const { return index << shift; }
  uint32_t IndexOf(uint32_t minor) const { return minor >> shift; }
  bool Holds(uint32_t index) const { return index >= first && index - first < count; }
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_LOOP_RANGE_H_
