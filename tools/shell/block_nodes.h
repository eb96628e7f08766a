// Real block devices for the namespaces of a shell (--block): loop devices over the tree's data
// files, so that mkfs, mount, blockdev and partx work on /dev/pmemN.
//
// A process of its own does what loop devices want: they call back into the tree's daemon, and so
// nobody who serves files may wait inside such a call. It attaches a device when its name is first
// looked up, and lets go of one whose namespace is gone at a later look. No descriptor of a device
// stays open here: what was written through it reaches the tree when its last user closes it.
//
// Its disks have the numbers of a range of loop devices (loop_range.h), as the tree says; their
// partitions, which the kernel finds, are told to the tree.
//
// /dev/.nvdimmfs/block has nodes of the disks for the process itself.
#ifndef NVDIMMFS_TOOLS_SHELL_BLOCK_NODES_H_
#define NVDIMMFS_TOOLS_SHELL_BLOCK_NODES_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/shell/loop_range.h"

namespace nvdimmfs::tools {

inline constexpr char kBlockPath[] = "/dev/.nvdimmfs/block";

// Whether this process may have loop devices: refused with EPERM (not root of the machine) or what
// /dev/loop-control says, "shell.block". `host_dev` is the host's /dev.
absl::Status CheckBlockNodes(const std::string& host_dev);

// What is attached, in memory that processes share: so that somebody is left who knows.
struct BlockRecord {
  // For the life of the process. First detaches what a shell that was killed with all its processes
  // has left on the machine, if no other shell has block devices. While /sys is still the host's.
  // `tree` is the top of the mounted tree, whose numbers (node_numbers.h) may be another shell's
  // range. Refused as LoopRange::Take.
  static absl::StatusOr<BlockRecord*> Make(const std::string& host_dev, const std::string& tree);

  LoopRange loops;
  int control = -1;                     // /dev/loop-control
  std::atomic<int> attached[256] = {};  // the loop device's number + 1; 0: none
};

// Answers AskForNode ("pmem0", "pmem0p1": whether there is such a device now, under the number that
// the tree says) at the other end of `socket` until that is closed, or SIGTERM comes; then
// everything is unmounted and detached, as by ReleaseBlockDevices. The exit code. Start it while
// /sys is still the host's.
int ServeBlockNodes(int socket, const std::string& tree, BlockRecord& record);

// Unmounts, in this mount namespace, what is on the devices, and detaches them: for when the server
// was killed. The tree must be served.
void ReleaseBlockDevices(const std::string& tree, BlockRecord& record);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_BLOCK_NODES_H_
