// One loop device of the kernel: attach a file, ask, detach.
//
// Each call may wait for whoever serves the file. Thread rules: none of its own.
#ifndef NVDIMMFS_TOOLS_SHELL_LOOP_DEVICE_H_
#define NVDIMMFS_TOOLS_SHELL_LOOP_DEVICE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nvdimmfs::tools {

// Attaches `file` (a descriptor) to the loop device `index`, which is made if need be; `node` is a
// node of its number. `control` is /dev/loop-control. Refused with what the kernel says,
// "shell.block": EBUSY where something else is attached to it.
absl::Status AttachLoop(int control, uint32_t index, int file, const std::string& node,
                        bool read_only, uint32_t block_size);

// What a loop device is over.
struct LoopBacking {
  dev_t device = 0;
  ino_t inode = 0;
  bool is_block_device = false;
};
// ENXIO where nothing is attached; ENOTCONN where its file's server is gone. `node` is a path.
absl::StatusOr<LoopBacking> BackingOf(const std::string& node);

// Whether nobody serves its file any more: a flush of the device fails, and that is no error of a
// block device below it.
bool IsLost(const std::string& node);

// Lets go of the file: at once, or when the last user closes the device.
void DetachLoop(const std::string& node);

// Takes the device `index` itself away, unless it is in use.
void RemoveLoop(int control, uint32_t index);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_LOOP_DEVICE_H_
