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
#include "tools/shell/mount_table.h"

namespace nvdimmfs::tools {
namespace {

// The mount that `path` leads to, without asking whoever serves it; -1 where nothing does.
int MountAt(const std::string& path) {
  const int file = open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return -1;
  char text[512] = {};
  const int info = open(absl::StrCat("/proc/self/fdinfo/", file).c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t length = info < 0 ? -1 : read(info, text, sizeof text - 1);
  if (info >= 0) close(info);
  close(file);
  int id = -1;
  const char* const line = length > 0 ? strstr(text, "mnt_id:") : nullptr;
  if (line != nullptr) sscanf(line, "mnt_id: %d", &id);
  return id;
}

void LetGo(const std::set<dev_t>& devices, const std::string& kept) {
  // One mount may cover another: again, while there are some.
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

HostUnmounts::~HostUnmounts() {
  if (table_ >= 0) close(table_);
}

std::set<dev_t> HostUnmounts::FileSystems() const {
  std::set<dev_t> devices;
  for (const MountEntry& entry : ReadMountTable(table_)) devices.insert(entry.device);
  return devices;
}

int HostUnmounts::Follow(const std::string& kept) {
  while (true) {
    const std::set<dev_t> now = FileSystems();
    std::set<dev_t> gone;
    for (const dev_t device : known_)
      if (now.count(device) == 0) gone.insert(device);
    // What the host mounts later is not in this namespace, or comes and goes here by itself.
    for (const dev_t device : gone) known_.erase(device);
    if (!gone.empty()) LetGo(gone, kept);
    pollfd change = {table_, POLLPRI, 0};
    if (poll(&change, 1, -1) < 0 && errno != EINTR) return 1;
  }
}

}  // namespace nvdimmfs::tools
