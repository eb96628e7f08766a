// Lets go, in the shell's mount namespace, of file systems that the host has unmounted.
//
// Where the host's mounts are shared, as systemd makes them, the kernel does so itself: those of
// the shell are their slaves. Private ones, as a container or a system without systemd has them,
// are copies that nothing propagates to; their file systems would stay mounted for as long as the
// shell runs. So a process watches the host's table of mounts.
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

  // In the shell's: goes on until the process is killed, and returns only where it cannot. What is
  // mounted at `kept` (a path) stays.
  int Follow(const std::string& kept);

 private:
  std::set<dev_t> FileSystems() const;  // of the host

  const posix::Descriptor table_;
  std::set<dev_t> known_;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_HOST_UNMOUNTS_H_
