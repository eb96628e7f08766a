// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_place.h"

#include <grp.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/log.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"

extern char** environ;

namespace nvdimmfs::fs {
namespace {

constexpr absl::string_view kOurType = "fuse.nvdimmfs";
constexpr int kMostStacked = 64;

struct MountEntry {
  std::string device;  // "0:45", the same for all copies of a mount
  std::string place;
  std::string type;
  uid_t user = 0;  // FUSE: the user who mounted it, the only one who gets answers
};

// proc(5) writes blanks, tabs, newlines and backslashes as three octal digits.
std::string Unescaped(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"\\040", " "}, {"\\011", "\t"}, {"\\012", "\n"}, {"\\134", "\\"}, {"\\043", "#"}});
}

std::optional<MountEntry> ParseEntry(const std::string& line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  size_t dash = 6;
  while (dash < words.size() && words[dash] != "-") ++dash;
  if (dash + 3 >= words.size()) return std::nullopt;
  MountEntry entry{.device = std::string(words[2]),
                   .place = Unescaped(words[4]),
                   .type = std::string(words[dash + 1])};
  for (absl::string_view option : absl::StrSplit(words[dash + 3], ','))
    if (absl::StartsWith(option, "user_id="))
      if (!absl::SimpleAtoi(option.substr(strlen("user_id=")), &entry.user)) return std::nullopt;
  return entry;
}

// In the order in which they were made.
std::vector<MountEntry> MountTable() {
  std::vector<MountEntry> table;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);)
    if (auto entry = ParseEntry(line)) table.push_back(*std::move(entry));
  return table;
}

bool IsBelow(absl::string_view path, absl::string_view place) {
  return absl::StartsWith(path, place) && path.size() > place.size() &&
         (place == "/" || path[place.size()] == '/');
}

bool IsFuse(const MountEntry& entry) {
  return entry.type == "fuse" || entry.type == "fuseblk" || absl::StartsWith(entry.type, "fuse.");
}

// statfs(2) always asks the daemon; the kernel may answer other calls from its cache.
int AskDaemon(const char* place) {
  struct statfs ignored;
  return statfs(place, &ignored) == 0 ? 0 : errno;
}

// The kernel only lets the daemon's own user ask it; root gets empty results without an error.
int AskDaemonAs(uid_t user, const char* place) {
  const pid_t child = fork();
  if (child < 0) return 0;
  if (child == 0) {
    const bool changed = setgroups(0, nullptr) == 0 && setresuid(user, user, user) == 0;
    _exit(changed ? AskDaemon(place) : 0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

bool IsDead(const MountEntry& entry) {
  if (!IsFuse(entry)) return false;
  const bool others = geteuid() == 0 && entry.user != 0;
  const int error =
      others ? AskDaemonAs(entry.user, entry.place.c_str()) : AskDaemon(entry.place.c_str());
  return error == ENOTCONN || error == ECONNABORTED;
}

std::string CommandToRemove(const std::string& place) {
  return absl::StrCat(geteuid() == 0 ? "umount -l " : "fusermount3 -uz ", core::ShellWord(place));
}

absl::Status Dead(const std::string& path, absl::string_view why, absl::string_view command) {
  return core::Refusal(ENOTCONN, "mount.dead",
                       absl::StrCat("mount on ", path, ": ", why, ". Type: ", command));
}

int RunFusermount(const char* flags, const std::string& place) {
  const char* const arguments[] = {"fusermount3", flags, "-q", "--", place.c_str(), nullptr};
  pid_t child;
  const int error = posix_spawnp(&child, arguments[0], nullptr, nullptr,
                                 const_cast<char* const*>(arguments), environ);
  if (error != 0) return error;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPERM;
}

// Returns 0 or an errno. A busy mount (the working directory of a shell, an open file) is detached.
int Remove(const std::string& place) {
  if (umount2(place.c_str(), UMOUNT_NOFOLLOW) == 0) return 0;
  if (geteuid() == 0 || errno != EPERM)
    return umount2(place.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) == 0 ? 0 : errno;
  if (RunFusermount("-u", place) == 0) return 0;
  return RunFusermount("-uz", place);
}

// The topmost mount at `place`.
const MountEntry* TopAt(const std::vector<MountEntry>& table, const std::string& place) {
  const MountEntry* found = nullptr;
  for (const MountEntry& entry : table)
    if (entry.place == place) found = &entry;
  return found;
}

// Detaching also detaches everything mounted below.
const MountEntry* LivingBelow(const std::vector<MountEntry>& table, const std::string& place) {
  for (const MountEntry& entry : table)
    if (IsBelow(entry.place, place) && !IsDead(entry)) return &entry;
  return nullptr;
}

void TellRemoved(const MountEntry& removed) {
  core::Log(core::LogLevel::kNotice, "mount.dead",
            absl::StrCat("removed the mount of a daemon that was killed from ", removed.place));
  for (const MountEntry& entry : MountTable())
    if (entry.device == removed.device && entry.place != removed.place)
      core::Log(core::LogLevel::kNotice, "mount.dead",
                absl::StrCat("a copy of that mount is still at ", entry.place,
                             ". Type: ", CommandToRemove(entry.place)));
}

absl::Status RemoveDead(const std::string& path) {
  for (int removed = 0; removed < kMostStacked; ++removed) {
    const std::vector<MountEntry> table = MountTable();
    const MountEntry* top = TopAt(table, path);
    if (top == nullptr || !IsDead(*top)) return absl::OkStatus();
    if (top->type != kOurType)
      return Dead(path, absl::StrCat("the daemon of the ", top->type, " mount there has died"),
                  CommandToRemove(path));
    if (const MountEntry* living = LivingBelow(table, path))
      return Dead(path,
                  absl::StrCat("the daemon of the mount there was killed, and ", living->place,
                               " is mounted in it. Unmount that first"),
                  absl::StrCat("umount ", core::ShellWord(living->place)));
    if (const int error = Remove(path); error != 0)
      return Dead(path,
                  absl::StrCat("the daemon of the mount there was killed, and removing it failed: ",
                               strerror(error)),
                  CommandToRemove(path));
    TellRemoved(*top);
  }
  return absl::OkStatus();
}

// A path through a dead mount may resolve, because the kernel has cached it.
absl::Status CheckWayTo(const std::string& path) {
  for (const MountEntry& entry : MountTable())
    if (IsBelow(path, entry.place) && IsDead(entry))
      return Dead(path, absl::StrCat("it lies in ", entry.place, ", a mount whose daemon has died"),
                  CommandToRemove(entry.place));
  return absl::OkStatus();
}

std::string WithoutTrailingSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

absl::StatusOr<std::string> PrepareMountpoint(const std::string& path) {
  const std::string asked = WithoutTrailingSlashes(path);
  const std::unique_ptr<char, decltype(&free)> real(realpath(asked.c_str(), nullptr), free);
  if (real == nullptr) {
    const int error = errno;
    RETURN_IF_ERROR(CheckWayTo(asked));
    return core::Refusal(error, "mount.point",
                         absl::StrCat("mount on ", path, ": ", strerror(error)));
  }
  const std::string place = real.get();
  RETURN_IF_ERROR(CheckWayTo(place));
  RETURN_IF_ERROR(RemoveDead(place));
  struct stat stat = {};
  if (::stat(place.c_str(), &stat) == 0 && !S_ISDIR(stat.st_mode))
    return core::Refusal(ENOTDIR, "mount.point",
                         absl::StrCat("mount on ", path, ": it is not a directory"));
  return place;
}

}  // namespace nvdimmfs::fs
