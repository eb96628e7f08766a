// Folders that show the host's entries and the tree's beside each other: /dev and the parts of /sys
// in which tools look for other devices too.
//
// A small FUSE filesystem of nothing but links, computed at each look from the two folders beneath:
// so a node that the tree gains or loses is there or gone at once. Where both have a name, the
// tree's counts; the host's own persistent memory is not shown. In dev/, names that are character
// devices in a kernel are so here (nmem0, ndctl0, dax0.0): tools check their numbers with stat(2),
// and open them through the preloaded library.
#ifndef NVDIMMFS_TOOLS_SHELL_MERGED_FOLDERS_H_
#define NVDIMMFS_TOOLS_SHELL_MERGED_FOLDERS_H_

#include <string>

namespace nvdimmfs::tools {

struct MergedFolder {
  const char* name;     // at the top of the mount
  const char* place;    // where it is to be shown, and the host's own folder
  const char* tree;     // the tree's folder, from the top of its mount
  const char* upwards;  // from `place` to /sys; null for /dev
};

inline constexpr MergedFolder kMergedFolders[] = {
    {"dev", "/dev", "dev", nullptr},
    {"dev-char", "/sys/dev/char", "sys/dev/char", "../../"},
    {"dev-block", "/sys/dev/block", "sys/dev/block", "../../"},
    {"block", "/sys/block", "block", "../"},
    {"class-block", "/sys/class/block", "class/block", "../../"},
};

// Mounts the folders on `mountpoint` and serves them until it is killed, or soon
// after SIGTERM; the exit code. `host_dev` is
// the host's /dev, `tree` the top of the mounted tree. The folder dev has an empty directory
// .nvdimmfs, to mount something on. With a `block_socket` (AskForBlockNode; else -1) disks are the
// block devices made there.
int ServeMergedFolders(const std::string& mountpoint, const std::string& host_dev,
                       const std::string& tree, int block_socket);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_MERGED_FOLDERS_H_
