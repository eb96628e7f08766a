// SPDX-License-Identifier: Apache-2.0
// The end of a child process.
#ifndef NVDIMMFS_BACKENDS_POSIX_CHILD_H_
#define NVDIMMFS_BACKENDS_POSIX_CHILD_H_

#include <sys/types.h>

#include <optional>

namespace nvdimmfs::posix {

// How a child ended.
struct ChildEnd {
  int code = 0;    // that it exited with; 0 if a signal killed it
  int signal = 0;  // that killed it; 0: none

  // As shells have it: the code, or 128 plus the number of the signal.
  int exit_code() const { return signal != 0 ? 128 + signal : code; }
};

// Waits until `child`, a child of this process, ends; signals do not interrupt that. If its end
// cannot be learnt, because this process ignores SIGCHLD or has waited for it before, the code is
// 255. Thread rules: any thread, but one alone for each child.
ChildEnd AwaitChild(pid_t child);

// The same without waiting: nullopt while it runs.
std::optional<ChildEnd> PollChild(pid_t child);

}  // namespace nvdimmfs::posix

#endif  // NVDIMMFS_BACKENDS_POSIX_CHILD_H_
