// SPDX-License-Identifier: Apache-2.0
// A small process beside the daemon of a mount that keeps the rights which the daemon gives up.
//
// Unmounting needs CAP_SYS_ADMIN, or fusermount3, a set-user-ID program, which a process with
// no_new_privs cannot run; a process restricted by Landlock can never unmount. Kernel passthrough
// needs CAP_SYS_ADMIN. The keeper does these things for this mount, on request, and nothing else.
// It ignores all signals, holds no file, and ends with the daemon: the mount of a killed daemon
// stays, as ever.
//
// Life: Start before the daemon opens anything; until it is destroyed.
// Thread rules: any thread, except Start, which forks.
#ifndef NVDIMMFS_FS_MOUNT_MOUNT_KEEPER_H_
#define NVDIMMFS_FS_MOUNT_MOUNT_KEEPER_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "fs/files/backing_calls.h"
#include "fs/protocol/unmounter.h"

namespace nvdimmfs::fs {

class MountKeeper final : public BackingCalls, public Unmounter {
 public:
  // For a mount at `mountpoint`, an absolute path without links. `confine`, if any, runs in the new
  // process of root, which starts no program. Call it while the process has one thread. Error: the
  // errno, "harden.keeper".
  static absl::StatusOr<std::shared_ptr<MountKeeper>> Start(const std::string& mountpoint,
                                                            const std::function<void()>& confine);
  ~MountKeeper() override;
  MountKeeper(const MountKeeper&) = delete;
  MountKeeper& operator=(const MountKeeper&) = delete;

  int32_t OpenBacking(int device, int file) override ABSL_LOCKS_EXCLUDED(mutex_);
  void CloseBacking(int device, int32_t backing) override ABSL_LOCKS_EXCLUDED(mutex_);
  void WriteBack() override ABSL_LOCKS_EXCLUDED(mutex_);
  bool Unmount() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  MountKeeper(int socket, pid_t keeper) : socket_(socket), keeper_(keeper) {}

  const int socket_;
  const pid_t keeper_;
  absl::Mutex mutex_;  // one request at a time
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_MOUNT_MOUNT_KEEPER_H_
