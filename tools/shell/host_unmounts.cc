// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/host_unmounts.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

#include "absl/strings/str_cat.h"
#include "backends/posix/file.h"
#include "tools/shell/mount_table.h"

namespace nvdimmfs::tools {
namespace {

// The id of the mount that `path` leads to, without asking its server; -1 if there is none.
int MountAt(const std::string& path) {
  const posix::Descriptor file(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return -1;
  const std::string info =
      posix::ReadFile(absl::StrCat("/proc/self/fdinfo/", file.get())).value_or("");
  int id = -1;
  const char* const line = strstr(info.c_str(), "mnt_id:");
  if (line != nullptr) sscanf(line, "mnt_id: %d", &id);
  return id;
}

void LetGo(const std::set<dev_t>& devices, const std::string& kept) {
  // One mount may cover another: repeats while any is left.
  for (bool again = true; again;) {
    again = false;
    for (const MountEntry& entry : ReadMountTable())
      if (devices.count(entry.device) != 0 && entry.path != kept &&
          MountAt(entry.path) == entry.id &&
          umount2(entry.path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        again = true;
  }
}

}  // namespace

HostUnmounts::HostUnmounts()
    : table_(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)), known_(FileSystems()) {}

std::set<dev_t> HostUnmounts::FileSystems() const {
  std::set<dev_t> devices;
  for (const MountEntry& entry : ReadMountTable(table_.get())) devices.insert(entry.device);
  return devices;
}

int HostUnmounts::Follow(const std::string& kept) {
  while (true) {
    const std::set<dev_t> now = FileSystems();
    std::set<dev_t> gone;
    for (const dev_t device : known_)
      if (now.count(device) == 0) gone.insert(device);
    // Later mounts of the host are not in this namespace, or propagate here by themselves.
    for (const dev_t device : gone) known_.erase(device);
    if (!gone.empty()) LetGo(gone, kept);
    pollfd change = {table_.get(), POLLPRI, 0};
    if (poll(&change, 1, -1) < 0 && errno != EINTR) return 1;
  }
}

}  // namespace nvdimmfs::tools
