// SPDX-License-Identifier: Apache-2.0
// Going into the background without losing the first errors.
//
// The parent waits until the child reports its success or failure, prints an error, and exits with
// the code that the child chose. So `nvdimmfs image mnt && ls mnt` works, and a script sees a
// failed mount.
#ifndef NVDIMMFS_FS_MOUNT_DAEMON_H_
#define NVDIMMFS_FS_MOUNT_DAEMON_H_

#include <set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nvdimmfs::fs {

class Daemon {
 public:
  // Forks. Only the child returns from this, still with the parent's standard streams. All other
  // descriptors except `kept` are closed: they may hold a lock, or a pipe whose reader waits for
  // its end. Call before any thread exists and before anything is opened.
  static absl::StatusOr<Daemon> Fork(const std::set<int>& kept = {});
  // Does not fork: reports go nowhere, and the terminal stays.
  static Daemon Foreground() { return Daemon(-1); }

  // Lets the parent exit: with code 0, and this process is then without a terminal; or, if `status`
  // is not OK, with `exit_code`, after printing the sentence. Only the first call counts.
  void Report(const absl::Status& status, int exit_code = 1);

  Daemon(Daemon&& other) noexcept;
  Daemon& operator=(Daemon&&) = delete;
  // If the child ends without a report, the parent fails.
  ~Daemon();

 private:
  explicit Daemon(int report) : report_(report) {}

  int report_;  // the pipe to the parent, or -1
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_MOUNT_DAEMON_H_
