// SPDX-License-Identifier: Apache-2.0
// Finds other processes on this machine that have a file open or mapped, as far as they are
// visible.
//
// There are two sources. The kernel grants a *lease* (fcntl F_SETLEASE) only while no other process
// has the file open. That is exact, even for containers, loop devices and other users' processes,
// but requires ownership of the file (or CAP_LEASE) and a local file system. /proc identifies the
// processes, as far as it is readable.
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

// Every process that has the file of `fd` open or mapped, one entry each; the descriptor `fd`
// itself does not count. Processes that this one may not inspect are missing.
std::vector<FileUser> FindFileUsers(int fd);

// Whether FindFileUsers sees every process of the machine: true for root outside containers.
bool SeesAllProcesses();

enum class LeaseAnswer {
  kFree,   // no other process has it open (fd is read-write), or open for writing (fd is read-only)
  kInUse,  // another process has
  kUnknown,  // this file does not support leases
};

// Finds out by taking a lease on `fd` and releasing it immediately.
LeaseAnswer AskByLease(int fd);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_FILE_USERS_H_
