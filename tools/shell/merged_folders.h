// SPDX-License-Identifier: Apache-2.0
// Folders that show the host's entries and the tree's entries together: /dev, and the parts of /sys
// where tools also look for other devices.
//
// It is a small FUSE file system of symbolic links, computed at each lookup from the two underlying
// folders, so that a node appears or disappears with the tree's. If both folders have a name, the
// tree's entry wins. The host's own persistent memory is hidden, and so are its memory blocks
// (memory3 in a node), whose addresses are not the tree's. Loop devices that are disks of the tree
// appear only under the disks' names.
//
// In dev/, character devices of a kernel (nmem0, ndctl0, dax0.0) are character devices: tools check
// their numbers with stat(2), and open them through the preloaded library or as real nodes
// (NodeMakers). With --block, disks and partitions are block device nodes.
#ifndef NVDIMMFS_TOOLS_SHELL_MERGED_FOLDERS_H_
#define NVDIMMFS_TOOLS_SHELL_MERGED_FOLDERS_H_

#include <string>
#include <vector>

#include "tools/shell/loop_range.h"

namespace nvdimmfs::tools {

struct MergedFolder {
  enum class Kind {
    kDev,       // /dev
    kLinks,     // contains only links, which are shown with their original targets
    kDevices,   // likewise for the host's; for the tree's devices, links to them
    kAnything,  // links to the entries, below .nvdimmfs in /dev; links keep their targets
    kMirror,    // contains directories, shown with all their contents: a link would lead out of
                // /sys, and libudev does not accept what is there as a device
  };
  Kind kind;
  std::string name;          // at the top of the mount
  std::string place;         // where it is to be shown, and the host's own folder
  std::string tree;          // the tree's folder, from the top of its mount
  std::string upwards = {};  // kLinks, kDevices: from `place` to /sys
};

// The folders for the tree with top `tree`. The first is /dev.
std::vector<MergedFolder> MergedFolders(const std::string& tree);

// Files at the top of the mount: /proc/modules, and with --block /proc/partitions.
inline constexpr char kModulesName[] = "modules";
inline constexpr char kPartitionsName[] = "partitions";

// Where the host's /sys/devices is kept (stage.h), for links of kAnything.
inline constexpr char kDevicesPath[] = "/sys/devices";
inline constexpr char kDevicesCopy[] = "/dev/.nvdimmfs/sys/devices";

// Processes that make real nodes of the tree's devices: sockets for AskForNode; -1 if there is
// none.
struct NodeMakers {
  int block = -1;  // disks (block_nodes.h), in `loops`
  LoopRange loops;
  int control = -1;  // devices that take control commands (control_nodes.h)
};

// Mounts the folders on `mountpoint` and serves them until it is killed, or until shortly after
// SIGTERM. Returns the exit code. `host_dev` is the host's /dev, `tree` the top of the mounted
// tree. The folder dev has an empty directory .nvdimmfs as a mount point.
int ServeMergedFolders(const std::string& mountpoint, const std::string& host_dev,
                       const std::string& tree, const NodeMakers& makers);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_MERGED_FOLDERS_H_
