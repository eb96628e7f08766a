// Folders that show the host's entries and the tree's beside each other: /dev and the parts of /sys
// in which tools look for other devices too.
//
// A small FUSE filesystem of nothing but links, computed at each look from the two folders beneath:
// so a node that the tree gains or loses is there or gone at once. Where both have a name, the
// tree's counts; the host's own persistent memory is not shown, nor are its blocks of memory
// (memory3 in a node): their addresses are not those of the tree. Loop devices that are disks of
// the tree have the disks' names alone. In dev/, names that are
// character devices in a kernel are so here (nmem0, ndctl0, dax0.0): tools check their numbers with
// stat(2), and open them through the preloaded library; or they lead to real nodes (NodeMakers).
// With --block disks and partitions are block devices' nodes.
#ifndef NVDIMMFS_TOOLS_SHELL_MERGED_FOLDERS_H_
#define NVDIMMFS_TOOLS_SHELL_MERGED_FOLDERS_H_

#include <string>
#include <vector>

#include "tools/shell/loop_range.h"

namespace nvdimmfs::tools {

struct MergedFolder {
  enum class Kind {
    kDev,       // /dev
    kLinks,     // holds links alone, which are shown with their own text
    kDevices,   // the same of the host's; of the tree's devices, links that lead to them
    kAnything,  // links lead to the entries, below .nvdimmfs in /dev; links have their own text
    kMirror,    // holds directories, shown with all that is in them: a link would lead out of /sys,
                // where udev's library takes what it finds for no device
  };
  Kind kind;
  std::string name;          // at the top of the mount
  std::string place;         // where it is to be shown, and the host's own folder
  std::string tree;          // the tree's folder, from the top of its mount
  std::string upwards = {};  // kLinks, kDevices: from `place` to /sys
};

// Those for a tree whose top is `tree`. The first is /dev.
std::vector<MergedFolder> MergedFolders(const std::string& tree);

// Files at the top of the mount: /proc/modules, and with --block /proc/partitions.
inline constexpr char kModulesName[] = "modules";
inline constexpr char kPartitionsName[] = "partitions";

// Where the host's /sys/devices is kept (stage.h), for links of kAnything.
inline constexpr char kDevicesPath[] = "/sys/devices";
inline constexpr char kDevicesCopy[] = "/dev/.nvdimmfs/sys/devices";

// Who makes real nodes of the tree's devices: sockets to AskForNode, -1 where nobody does.
struct NodeMakers {
  int block = -1;  // of disks (block_nodes.h), in `loops`
  LoopRange loops;
  int control = -1;  // of what takes control commands (control_nodes.h)
};

// Mounts the folders on `mountpoint` and serves them until it is killed, or soon
// after SIGTERM; the exit code. `host_dev` is
// the host's /dev, `tree` the top of the mounted tree. The folder dev has an empty directory
// .nvdimmfs, to mount something on.
int ServeMergedFolders(const std::string& mountpoint, const std::string& host_dev,
                       const std::string& tree, const NodeMakers& makers);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_MERGED_FOLDERS_H_
