// SPDX-License-Identifier: Apache-2.0
// Going into the background without losing the first errors.
//
// The parent waits until the child says how it went, prints what went wrong, and leaves with the
// exit code that the child chose; so `nvdimmfs image mnt && ls mnt` works, and a script sees a
// failed mount.
#ifndef NVDIMMFS_FS_MOUNT_DAEMON_H_
#define NVDIMMFS_FS_MOUNT_DAEMON_H_

#include <set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nvdimmfs::fs {

class Daemon {
 public:
  // Forks. Only the child returns from this, with its standard streams still the parent's; all
  // other descriptors but `kept` are closed: they may be a lock's, or a pipe's whose reader waits
  // for its end. Call before any thread exists and before anything is opened.
  static absl::StatusOr<Daemon> Fork(const std::set<int>& kept = {});
  // No fork: reports go nowhere, the terminal stays.
  static Daemon Foreground() { return Daemon(-1); }

  // Lets the parent go: with exit code 0 and from then on without a terminal, or, where `status` is
  // not OK, after it printed the sentence, with `exit_code`. Only the first call counts.
  void Report(const absl::Status& status, int exit_code = 1);

  Daemon(Daemon&& other) noexcept;
  Daemon& operator=(Daemon&&) = delete;
  // A child that goes without a report lets the parent fail.
  ~Daemon();

 private:
  explicit Daemon(int report) : report_(report) {}

  int report_;  // the pipe to the parent, or -1
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_MOUNT_DAEMON_H_
