// SPDX-License-Identifier: Apache-2.0
#include "backends/image_lock.h"

#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "backends/block_locks.h"
#include "backends/closing_mark.h"
#include "backends/file_users.h"
#include "backends/own_mounts.h"
#include "core/base/log.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(25);
// A process that only looks is soon done. An nvdimmfs whose mount is gone may take longer to end.
constexpr int kPatience = 4, kPatienceWithOurs = 80;  // pauses

// The users that exclude a read-only or read-write user.
std::vector<FileUser> Opponents(int fd, bool read_only) {
  std::vector<FileUser> users = FindFileUsers(fd);
  if (read_only) std::erase_if(users, [](const FileUser& user) { return !user.writes; });
  return users;
}

// Describes a daemon of ours, and how to end it.
std::string DescribeOurs(const FileUser& user, const std::optional<OwnMount>& mount) {
  const std::string user_text = absl::StrCat("by nvdimmfs (pid ", user.pid, ")");
  if (!mount)
    return absl::StrCat(user_text,
                        ", which is not a mount that can be seen from here. Stop it first");
  return absl::StrCat(user_text, ", mounted on ", mount->mountpoint, ". Unmount it first: umount ",
                      core::ShellWord(mount->mountpoint));
}

// Describes which processes have it open, and what to do about it.
std::string Describe(const std::vector<FileUser>& users, const std::string& path) {
  if (users.empty()) {
    if (const std::optional<OwnMount> dead = DeadMountOf(path))
      return absl::StrCat("by files that are open below ", dead->mountpoint,
                          ", a mount whose daemon was killed. Remove it first: umount -l ",
                          core::ShellWord(dead->mountpoint));
    return "by a process that cannot be seen from here (another user's, a container's, a loop "
           "device, a file that is open in the mount of a killed daemon). Stop it first";
  }
  // A process that maps it is the most likely culprit.
  const FileUser& user =
      *std::max_element(users.begin(), users.end(),
                        [](const FileUser& a, const FileUser& b) { return a.maps < b.maps; });
  if (users.size() == 1 && user.pid != getpid()) {
    const std::optional<OwnMount> mount = MountOfDaemon(user.pid, path);
    if (mount || user.command == "nvdimmfs") return DescribeOurs(user, mount);
  }
  std::string text = absl::StrCat("by ", user.command, " (pid ", user.pid,
                                  user.pid == getpid() ? ", this process" : "", "), which has it ",
                                  user.maps ? "mapped" : "open", user.writes ? " for writing" : "");
  if (users.size() > 1) absl::StrAppend(&text, ", and ", users.size() - 1, " more");
  return absl::StrCat(text, ". Stop it first (a VM, another mount)");
}

absl::Status Busy(int fd, const std::string& path, bool read_only) {
  return core::Refusal(
      EBUSY, "image.busy",
      absl::StrCat("open ", path, ": in use ", Describe(Opponents(fd, read_only), path),
                   "; to look at it as it is just now, add ,ro,force to the SOURCE"));
}

enum class Use {
  kFree,
  kFreeAsFarAsSeen,  // but some users may be hidden
  kInUse,            // another process excludes us, with or without a lock
};

Use AskForUsers(int fd, bool read_only) {
  switch (AskByLease(fd)) {
    case LeaseAnswer::kFree:
      return Use::kFree;
    case LeaseAnswer::kInUse:
      return Use::kInUse;
    case LeaseAnswer::kUnknown:
      if (!Opponents(fd, read_only).empty()) return Use::kInUse;
      return SeesAllProcesses() ? Use::kFree : Use::kFreeAsFarAsSeen;
  }
  return Use::kInUse;
}

void TellHiddenUsers(const std::string& path) {
  core::Log(
      core::LogLevel::kNotice, "image.users.note",
      absl::StrCat(path,
                   ": it is unknown whether another process uses it: only its owner and root "
                   "may ask the kernel, and /proc does not show all processes here. Make sure "
                   "that no VM has it"));
}

}  // namespace

absl::Status LockImage(int fd, const std::string& path, bool read_only) {
  for (int pauses = 0;; ++pauses) {
    AwaitClosing(fd, path);
    bool busy = false, ours = false;
    Use use = Use::kInUse;
    if (flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK)
        return core::Refusal(errno, "image.lock",
                             absl::StrCat("lock ", path, ": its file system refuses locks"));
      busy = ours = true;
    } else {
      use = AskForUsers(fd, read_only);
      busy = use == Use::kInUse || !TakeBlockLocks(fd, read_only);
    }
    if (!busy) {
      if (use == Use::kFreeAsFarAsSeen && !read_only) TellHiddenUsers(path);
      return absl::OkStatus();
    }
    if (pauses >= (ours ? kPatienceWithOurs : kPatience)) return Busy(fd, path, read_only);
    absl::SleepFor(kPause);
  }
}

}  // namespace nvdimmfs::backends
