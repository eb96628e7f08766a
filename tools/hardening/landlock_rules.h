// SPDX-License-Identifier: Apache-2.0
// What a process may do below which paths, by Landlock.
//
// Source: Documentation/userspace-api/landlock.rst.
// Thread rules: not thread-safe.
#ifndef NVDIMMFS_TOOLS_HARDENING_LANDLOCK_RULES_H_
#define NVDIMMFS_TOOLS_HARDENING_LANDLOCK_RULES_H_

#include <string>

#include "backends/posix/descriptor.h"

namespace nvdimmfs::hardening {

// The kernel's version of Landlock, from 1; 0: it has none, or it is switched off.
int LandlockVersion();

enum class PathRight {
  kRead,     // files and directories
  kWrite,    // files that exist, in addition
  kReplace,  // likewise, and files can be made, renamed and removed
};

class LandlockRules {
 public:
  // Everything is forbidden that no rule allows and that this kernel's Landlock knows: files,
  // TCP, abstract sockets, signals to other processes. Files that are open stay open.
  LandlockRules();

  bool made() const { return rules_.get() >= 0; }

  // Allows it for the path, and below it if that is a directory. A path that is not there, or on a
  // file system without names (a memfd), is left out.
  void Allow(const std::string& path, PathRight right);
  // For each regular file, block or character device that the process has open now: it may be
  // opened again, for writing only if it is open for writing.
  void AllowOpenFiles();

  // Applies them to the calling thread, which must have no_new_privs. Returns 0 or an errno.
  // Async-signal-safe.
  int Apply() const;

 private:
  void AllowDescriptor(int descriptor, PathRight right);

  posix::Descriptor rules_;
};

}  // namespace nvdimmfs::hardening

#endif  // NVDIMMFS_TOOLS_HARDENING_LANDLOCK_RULES_H_
