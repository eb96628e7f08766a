// SPDX-License-Identifier: Apache-2.0
// Mounts as /proc/PID/mountinfo lists them.
#ifndef NVDIMMFS_TOOLS_SHELL_MOUNT_TABLE_H_
#define NVDIMMFS_TOOLS_SHELL_MOUNT_TABLE_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace nvdimmfs::tools {

struct MountEntry {
  int id = 0;
  dev_t device = 0;  // of the file system
  std::string path;  // where it is mounted
};

// The whole table from `file`, an open mountinfo; the latest mount comes first.
std::vector<MountEntry> ReadMountTable(int file);
// The table of this process.
std::vector<MountEntry> ReadMountTable();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_MOUNT_TABLE_H_
