// SPDX-License-Identifier: Apache-2.0
// Real block devices for the namespaces of a shell (--block): loop devices over the tree's data
// files, so that mkfs, mount, blockdev and partx work on /dev/pmemN.
//
// A separate process handles the loop devices. They call back into the tree's daemon, so a process
// that serves files must never wait for one. It attaches a device when its name is first looked up,
// and detaches it at a later lookup if its namespace is gone. It keeps no device open: data reaches
// the tree when the last user closes the device.
//
// The disks have the numbers of a range of loop devices (loop_range.h), which the tree shows. The
// kernel finds their partitions; the process reports them to the tree.
//
// The process keeps nodes of the disks for itself in /dev/.nvdimmfs/block.
#ifndef NVDIMMFS_TOOLS_SHELL_BLOCK_NODES_H_
#define NVDIMMFS_TOOLS_SHELL_BLOCK_NODES_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/shell/loop_range.h"

namespace nvdimmfs::tools {

inline constexpr char kBlockPath[] = "/dev/.nvdimmfs/block";

// Whether this process may use loop devices. Refused with EPERM (not the machine's root) or the
// errno of opening /dev/loop-control, "shell.block". `host_dev` is the host's /dev.
absl::Status CheckBlockNodes(const std::string& host_dev);

// The attached devices, in memory shared between processes, so that it outlives each of them.
struct BlockRecord {
  // Valid for the life of the process. First detaches devices of a shell that was killed with all
  // its processes, unless another shell has block devices. Call it while /sys is still the host's.
  // `tree` is the top of the mounted tree; its numbers (node_numbers.h) may be another shell's
  // range. Refused as LoopRange::Take.
  static absl::StatusOr<BlockRecord*> Make(const std::string& host_dev, const std::string& tree);

  LoopRange loops;
  int control = -1;                     // /dev/loop-control
  std::atomic<int> attached[256] = {};  // the loop device's number + 1; 0: none
};

// Answers AskForNode at the other end of `socket`: whether the device ("pmem0", "pmem0p1") exists
// now under the number that the tree shows. When the socket is closed, or on SIGTERM, it unmounts
// and detaches everything, as ReleaseBlockDevices does, and returns the exit code. Start it while
// /sys is still the host's.
int ServeBlockNodes(int socket, const std::string& tree, BlockRecord& record);

// Unmounts, in this mount namespace, the devices' file systems, and detaches the devices: for use
// after the server was killed. The tree must still be served.
void ReleaseBlockDevices(const std::string& tree, BlockRecord& record);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_BLOCK_NODES_H_
