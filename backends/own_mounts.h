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
  std::string source;      // as mounted: a path is absolute, without the options after a comma
  std::string mountpoint;  // absolute
};

std::vector<OwnMount> OwnMounts();

// The mount whose top directory `path` is, or that contains it.
std::optional<OwnMount> MountAt(const std::string& path);

// The remaining mount of a killed daemon that served the source `path`. For files that were opened
// through passthrough, the kernel keeps the source's file open, and locked.
std::optional<OwnMount> DeadMountOf(const std::string& path);

// The mount that the daemon `pid` serves: that of the source `path`, else the one named on its
// command line.
std::optional<OwnMount> MountOfDaemon(pid_t pid, const std::string& path);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_OWN_MOUNTS_H_
