// The private view of /dev and /sys in which unmodified tools find the mounted tree.
//
// All of it lives in a mount namespace of this process and its children; nothing outside changes,
// no file or directory is made anywhere else, and the kernel takes everything away with the last
// process in it.
//
//   /dev/.nvdimmfs/host     the /dev that was there
//   /dev/.nvdimmfs/tree     the mounted tree
//   /dev/.nvdimmfs/merged   folders that show both (merged_folders.h)
//   /dev/.nvdimmfs/sys      the /sys/devices that was there, where its links lead into /sys
//   /dev/.nvdimmfs/block    block devices' nodes, for who makes them (block_nodes.h)
//   /dev/.nvdimmfs/control  nodes of what takes control commands (control_nodes.h)
//   /dev/.nvdimmfs/bin      programs that cover the host's (module_program.h)
//   /dev/.nvdimmfs/real     those that they cover
//
// The namespace's mounts are slaves of the host's: what is unmounted there goes here, too.
//
// Order: Enter; mount something on kTreePath (unless Enter did) and kMergedPath; then Show.
#ifndef NVDIMMFS_TOOLS_SHELL_STAGE_H_
#define NVDIMMFS_TOOLS_SHELL_STAGE_H_

#include <set>
#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::tools {

inline constexpr char kHomePath[] = "/dev/.nvdimmfs";
inline constexpr char kHostPath[] = "/dev/.nvdimmfs/host";
inline constexpr char kTreePath[] = "/dev/.nvdimmfs/tree";
inline constexpr char kMergedPath[] = "/dev/.nvdimmfs/merged";

class Stage {
 public:
  // Takes the process into a mount namespace of its own (and, where it lacks the right to that,
  // into a user namespace in which it is root) and makes the home. With a `mountpoint` (absolute;
  // "" for none) what somebody else mounted there comes on kTreePath, too. Refused with the errno
  // of what failed, "shell.namespace" or "shell.mount"; with ENOTDIR, "shell.mount", where nothing
  // of this program is mounted at `mountpoint`.
  absl::Status Enter(const std::string& mountpoint);

  // Whether Enter has taken it into one.
  bool in_user_namespace() const { return in_user_namespace_; }

  // Covers /sys and /dev, /proc/modules, and with `block` /proc/partitions.
  absl::Status Show(bool block);

 private:
  absl::Status ShowProcesses();
  absl::Status MakeHome(const std::string& mountpoint);
  absl::Status Cover(const std::string& source, const std::string& place);
  absl::Status ShowPlatformDevice(const std::string& source, const std::string& name);
  absl::Status MakePlace(const std::string& place);
  absl::Status MakeRoom(const std::string& directory);
  absl::Status Rebuild(const std::string& directory);
  absl::Status ShowModule(const std::string& name);

  bool in_user_namespace_ = false;
  std::set<std::string> rebuilt_;  // directories that are ours now, and take new entries
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_STAGE_H_
