// SPDX-License-Identifier: Apache-2.0
// Who else has a file open or mapped: other processes on this machine, as far as they can be seen.
//
// Two sources. A *lease* (fcntl F_SETLEASE) is granted by the kernel only while nobody else holds
// the file: exact, also for containers, loop devices and other users' processes, but it needs to
// own the file (or CAP_LEASE) and a local file system. /proc tells who it is, where it may be read.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_FILE_USERS_H_
#define NVDIMMFS_BACKENDS_FILE_USERS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace nvdimmfs::backends {

struct FileUser {
  pid_t pid = 0;
  std::string command;  // as in /proc/PID/comm
  bool writes = false;  // has it open for writing, or a writable shared mapping of it
  bool maps = false;    // has it mapped
};

// Every process with the file of `fd` open or mapped, one entry each, without the descriptor `fd`
// itself. Processes that this one may not look into are missing.
std::vector<FileUser> FindFileUsers(int fd);

// Whether FindFileUsers sees every process of the machine: root does, where it is not in a
// container.
bool SeesAllProcesses();

enum class LeaseAnswer {
  kFree,     // nobody else has it open (fd is read-write), or open for writing (fd is read-only)
  kInUse,    // somebody has
  kUnknown,  // leases cannot be had for this file
};

// Asks by taking a lease on `fd` and giving it back at once.
LeaseAnswer AskByLease(int fd);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_FILE_USERS_H_
