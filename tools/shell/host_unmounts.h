// SPDX-License-Identifier: Apache-2.0
// Lets go, in the shell's mount namespace, of file systems that the host has unmounted.
//
// If the host's mounts are shared, as systemd makes them, the kernel propagates unmounts to the
// shell's slave mounts. Private mounts, as in a container or without systemd, get no propagation,
// so their file systems would stay mounted while the shell runs. So a process watches the host's
// mount table.
#ifndef NVDIMMFS_TOOLS_SHELL_HOST_UNMOUNTS_H_
#define NVDIMMFS_TOOLS_SHELL_HOST_UNMOUNTS_H_

#include <sys/types.h>

#include <set>
#include <string>

#include "backends/posix/descriptor.h"

namespace nvdimmfs::tools {

class HostUnmounts {
 public:
  // While the process is still in the host's mount namespace.
  HostUnmounts();

  // In the shell's mount namespace: runs until the process is killed; returns only on failure. The
  // mount at path `kept` stays.
  int Follow(const std::string& kept);

 private:
  std::set<dev_t> FileSystems() const;  // of the host

  const posix::Descriptor table_;
  std::set<dev_t> known_;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_HOST_UNMOUNTS_H_
