// SPDX-License-Identifier: Apache-2.0
// The mounts of nvdimmfs on this machine, as this process sees them.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_OWN_MOUNTS_H_
#define NVDIMMFS_BACKENDS_OWN_MOUNTS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace nvdimmfs::backends {

struct OwnMount {
  std::string source;      // as mounted: a path is absolute; options after a comma are left out
  std::string mountpoint;  // absolute
};

std::vector<OwnMount> OwnMounts();

// The mount that `path`, a directory, is the top of, or is in.
std::optional<OwnMount> MountAt(const std::string& path);

// Where the mount of a killed daemon of the source `path` still is. The kernel keeps the source's
// file open, and locked, for what was opened there by passthrough.
std::optional<OwnMount> DeadMountOf(const std::string& path);

// The mount that the daemon `pid` serves: the one of the source `path`, else the one that its
// command line names.
std::optional<OwnMount> MountOfDaemon(pid_t pid, const std::string& path);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_OWN_MOUNTS_H_
