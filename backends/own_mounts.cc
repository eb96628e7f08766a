// SPDX-License-Identifier: Apache-2.0
#include "backends/own_mounts.h"

#include <mntent.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::backends {
namespace {

constexpr absl::string_view kType = "fuse.nvdimmfs";

std::string RealPath(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
  return real == nullptr ? std::string() : std::string(real.get());
}

// The last word of a process's command line.
std::string LastArgument(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/cmdline"), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::vector<std::string> words = absl::StrSplit(text, '\0', absl::SkipEmpty());
  return words.empty() ? "" : words.back();
}

bool IsAt(const std::string& mountpoint, absl::string_view named) {
  while (absl::EndsWith(named, "/")) named.remove_suffix(1);
  if (absl::StartsWith(named, "./")) named.remove_prefix(2);
  if (named.empty()) return false;
  // A relative name: the daemon's initial directory is unknown.
  return mountpoint == named ||
         (named[0] != '/' && absl::EndsWith(mountpoint, absl::StrCat("/", named)));
}

}  // namespace

std::vector<OwnMount> OwnMounts() {
  std::vector<OwnMount> mounts;
  const std::unique_ptr<FILE, decltype(&endmntent)> table(setmntent("/proc/self/mounts", "re"),
                                                          endmntent);
  if (table == nullptr) return mounts;
  std::vector<char> room(64 << 10);
  mntent entry;
  while (getmntent_r(table.get(), &entry, room.data(), static_cast<int>(room.size())) != nullptr)
    if (entry.mnt_type == kType) mounts.push_back({entry.mnt_fsname, entry.mnt_dir});
  return mounts;
}

std::optional<OwnMount> MountAt(const std::string& path) {
  const std::string real = RealPath(path);
  for (const OwnMount& mount : OwnMounts())
    if (real == mount.mountpoint || absl::StartsWith(real, mount.mountpoint + "/")) return mount;
  return std::nullopt;
}

std::optional<OwnMount> DeadMountOf(const std::string& path) {
  const std::string real = RealPath(path);
  for (const OwnMount& mount : OwnMounts()) {
    if (real.empty() || RealPath(mount.source) != real) continue;
    struct statfs ignored;
    if (statfs(mount.mountpoint.c_str(), &ignored) != 0 && errno == ENOTCONN) return mount;
  }
  return std::nullopt;
}

std::optional<OwnMount> MountOfDaemon(pid_t pid, const std::string& path) {
  const std::vector<OwnMount> mounts = OwnMounts();
  const std::string real = RealPath(path);
  for (const OwnMount& mount : mounts)
    if (!real.empty() && RealPath(mount.source) == real) return mount;
  const std::string last = LastArgument(pid);
  for (const OwnMount& mount : mounts)
    if (IsAt(mount.mountpoint, last)) return mount;
  return std::nullopt;
}

}  // namespace nvdimmfs::backends
