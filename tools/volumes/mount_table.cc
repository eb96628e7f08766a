#include "tools/volumes/mount_table.h"

#include <mntent.h>
#include <sys/mount.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr absl::Duration kPause = absl::Milliseconds(20);

absl::Status Unmount(const std::string& place) {
  const absl::Time end = absl::Now() + kPatience;
  while (umount2(place.c_str(), UMOUNT_NOFOLLOW) != 0) {
    if (errno == EINVAL || errno == ENOENT) return absl::OkStatus();  // gone meanwhile
    if (errno == EBUSY && absl::Now() < end) {
      absl::SleepFor(kPause);
      continue;
    }
    if (umount2(place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) break;
    return core::Refusal(errno, "volume.unmount",
                         absl::StrCat("unmount ", place, ": ", strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<MountEntry> MountTable() {
  std::vector<MountEntry> table;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(setmntent("/proc/self/mounts", "re"),
                                                   endmntent);
  std::array<char, 16384> room;
  mntent entry;
  while (file != nullptr && getmntent_r(file.get(), &entry, room.data(), room.size()) != nullptr)
    table.push_back({entry.mnt_fsname, entry.mnt_dir, entry.mnt_type});
  return table;
}

std::optional<MountEntry> MountAt(const std::string& place) {
  std::optional<MountEntry> found;
  for (MountEntry& entry : MountTable())
    if (entry.place == place) found = std::move(entry);
  return found;
}

absl::Status UnmountTree(const std::string& place) {
  const std::vector<MountEntry> table = MountTable();
  absl::Status first;
  for (auto entry = table.rbegin(); entry != table.rend(); ++entry)
    if (entry->place == place || absl::StartsWith(entry->place, place + "/"))
      first.Update(Unmount(entry->place));
  return first;
}

}  // namespace nvdimmfs::volumes
