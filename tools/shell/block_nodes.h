// Real block devices for the namespaces of a shell (--block): loop devices over the tree's data
// files, so that mkfs, mount, blockdev and partx work on /dev/pmemN.
//
// A process of its own does what loop devices want: they call back into the tree's daemon, and so
// nobody who serves files may wait inside such a call. It attaches a device when its name is first
// looked up, and lets go of one whose namespace is gone at a later look. No descriptor of a device
// stays open here: what was written through it reaches the tree when its last user closes it.
//
// /dev/.nvdimmfs/block has the nodes: pmem0, and pmem0p1 where there are partitions.
#ifndef NVDIMMFS_TOOLS_SHELL_BLOCK_NODES_H_
#define NVDIMMFS_TOOLS_SHELL_BLOCK_NODES_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nvdimmfs::tools {

inline constexpr char kBlockPath[] = "/dev/.nvdimmfs/block";

// Whether this process may have loop devices: refused with EPERM (not root of the machine) or what
// /dev/loop-control says, "shell.block". `host_dev` is the host's /dev.
absl::Status CheckBlockNodes(const std::string& host_dev);

// What is attached, in memory that processes share: so that somebody is left who knows.
struct BlockRecord {
  static absl::StatusOr<BlockRecord*> Make();  // for the life of the process

  std::atomic<int> attached[256] = {};  // the loop device's number + 1; 0: none
};

// First detaches what a shell that was killed with all its processes has left on the machine, if no
// other such server runs. Answers AskForNode (names of kBlockPath: "pmem0", "pmem0p1") at the other
// end of `socket` until that is closed, or SIGTERM comes; then everything is unmounted and
// detached, as by ReleaseBlockDevices. The exit code. Start it while /sys is still the host's.
// `tree` is the top of the mounted tree.
int ServeBlockNodes(int socket, const std::string& host_dev, const std::string& tree,
                    BlockRecord& record);

// Unmounts, in this mount namespace, what is on the devices, and detaches them: for when the server
// was killed. The tree must be served.
void ReleaseBlockDevices(const std::string& tree, BlockRecord& record);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_BLOCK_NODES_H_
