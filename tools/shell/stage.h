// SPDX-License-Identifier: Apache-2.0
// The private view of /dev and /sys in which unmodified tools find the mounted tree.
//
// It exists only in a mount namespace of this process and its children. Nothing outside changes: no
// file or directory is created, and the kernel removes everything with the namespace's last
// process.
//
//   /dev/.nvdimmfs/host     the host's /dev
//   /dev/.nvdimmfs/tree     the mounted tree
//   /dev/.nvdimmfs/merged   folders that show both (merged_folders.h)
//   /dev/.nvdimmfs/sys      the host's /sys/devices, at a depth from which its links lead into /sys
//   /dev/.nvdimmfs/block    block device nodes, for the process that makes them (block_nodes.h)
//   /dev/.nvdimmfs/control  nodes of devices that take control commands (control_nodes.h)
//   /dev/.nvdimmfs/bin      programs that cover the host's (module_program.h)
//   /dev/.nvdimmfs/real     the covered programs
//
// The namespace's mounts are slaves of the host's: an unmount there propagates here.
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
  // Moves the process into a new mount namespace and makes the home; without the privilege for
  // that, also into a user namespace in which it is root. If `mountpoint` (absolute) is not "", the
  // tree mounted there also appears on kTreePath. Refused with the errno of the failed call,
  // "shell.namespace" or "shell.mount"; with ENOTDIR, "shell.mount", if no nvdimmfs is mounted at
  // `mountpoint`.
  absl::Status Enter(const std::string& mountpoint);

  // Whether Enter made one.
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
  std::set<std::string> rebuilt_;  // directories replaced by a tmpfs that takes new entries
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_STAGE_H_
