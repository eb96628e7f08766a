// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/volume_mounts.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "backends/posix/loop_device.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/mount_table.h"

namespace nvdimmfs::volumes {
namespace {

using core::Log;
using core::LogLevel;

constexpr absl::Duration kPause = absl::Milliseconds(30);
// Looks for an engine's mount soon after it was requested, then at increasing intervals.
constexpr absl::Duration kSoonest = absl::Milliseconds(100);
constexpr absl::Duration kLatest = absl::Seconds(10);

absl::Status InUse(const std::string& name, absl::string_view by) {
  return core::Refusal(EBUSY, "volume.mounted", absl::StrCat("volume ", name, " is in use", by));
}

std::string Key(const MountUser& user) { return absl::StrCat(user.pid, " ", user.place); }

// Whether Watch needs to look at it.
bool NeedsLook(const Volume& volume) {
  if (!volume.is_idle()) return false;
  if (!volume.dead.empty()) return true;
  return volume.record.mount_ids.empty() ? !volume.mountpoint.empty() : !volume.record.seen_in_use;
}

}  // namespace

Attachment VolumeMounts::AttachmentOf(const Volume& volume) const {
  return {.place = directory_.PlaceOf(volume.record.name),
          .node = volume.source->tree().NodePath(volume.ns),
          .sector_size = volume.ns.sector_size,
          .fstype = volume.fstype,
          .folder = FolderName(volume.record.uuid),
          .options = volume.record.options};
}

absl::Status VolumeMounts::Mount(ClaimedVolume& volume) {
  const Volume seen = volume.Copy();
  Attachment attachment = AttachmentOf(seen);
  if (!IsAttached(attachment)) {
    ASSIGN_OR_RETURN(const uint64_t holders, seen.source->tree().CountHolders(seen.ns));
    attachment.is_held = holders > 0;
    RETURN_IF_ERROR(UnmountTree(attachment.place));
    RETURN_IF_ERROR(Attach(attachment));
  }
  volume.Change([&](Volume& changed) { changed.mountpoint = attachment.place; });
  return absl::OkStatus();
}

bool VolumeMounts::IsMounted(const Volume& volume) const {
  return !volume.ns.node.empty() && IsAttached(AttachmentOf(volume));
}

absl::Status VolumeMounts::LetGo(ClaimedVolume& volume, absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  const Volume seen = volume.Copy();
  const std::string& name = volume.name();
  const std::string place = directory_.PlaceOf(name);
  struct stat stat = {};
  if (lstat(place.c_str(), &stat) == 0 || errno != ENOENT) {
    std::vector<MountUser> users;
    while (!(users = UsersOf(seen)).empty() && absl::Now() < end) absl::SleepFor(kPause);
    if (!users.empty()) return InUse(name, absl::StrCat(": ", Describe(users)));
    const absl::Status status = DetachIdle(place, std::max(end - absl::Now(), kPause));
    if (core::ErrnoOf(status) == EBUSY) {
      users = FindFileUsers(place);
      if (!users.empty()) return InUse(name, absl::StrCat(": ", Describe(users)));
      return InUse(name, absl::StrCat(": a process has a file below ", place,
                                      " open; find it with: fuser -vm ", place));
    }
    RETURN_IF_ERROR(status);
  }
  volume.Change([](Volume& changed) { changed.mountpoint.clear(); });
  return absl::OkStatus();
}

std::vector<MountedThing> VolumeMounts::ThingsOf(const Volume& volume) const {
  const std::string place = directory_.PlaceOf(volume.record.name);
  const std::optional<dev_t> device = DeviceAt(place);
  const bool is_by_table = device && major(*device) == 0 && !volume.fstype.empty();
  std::vector<MountedThing> things;
  if (volume.source == nullptr || volume.ns.node.empty() || is_by_table) {
    for (const MountEntry& entry : MountTable())
      if (IsWithin(entry.place, place)) things.push_back(ThingOf(entry));
  } else if (device) {
    things.push_back({*device, "", volume.fstype.empty() ? FolderName(volume.record.uuid) : ""});
  }
  if (volume.source == nullptr || volume.ns.node.empty()) return things;
  const std::string root = absl::StrCat("/dev/", volume.ns.node);
  std::set<dev_t> trees;
  if (const auto tree = DeviceAt(volume.source->tree().mountpoint())) trees.insert(*tree);
  // The server that the data file was mounted from may have been replaced.
  if (device && volume.fstype.empty())
    if (const auto data = DeviceAt(absl::StrCat(place, "/", kDataName))) trees.insert(*data);
  for (const dev_t tree : trees) things.push_back({tree, root, ""});
  return things;
}

std::vector<MountUser> VolumeMounts::UsersOf(const Volume& volume) const {
  return FindMountUsers(ThingsOf(volume), directory_.volumes());
}

absl::Status VolumeMounts::CheckForgotten(const Volume& volume) const {
  const Record& record = volume.record;
  if (record.mount_ids.empty()) return absl::OkStatus();
  const std::string ids = absl::StrCat(" by ", absl::StrJoin(record.mount_ids, ", "));
  if (const auto users = UsersOf(volume); !users.empty())
    return InUse(record.name, absl::StrCat(ids, ": ", Describe(users)));
  if (record.seen_in_use) return absl::OkStatus();
  return InUse(record.name,
               absl::StrCat(ids,
                            " (mount ids of a container engine; no process has the volume mounted "
                            "yet). If that engine is gone, type: nvdimmfs-volumes release ",
                            record.name));
}

absl::Status VolumeMounts::ForgetIds(ClaimedVolume& volume) {
  const Record record = volume.record();
  if (record.mount_ids.empty()) return absl::OkStatus();
  Log(LogLevel::kNotice, "volume.forgotten",
      absl::StrCat("volume ", record.name, ": no process has it mounted any more; forgetting ",
                   absl::StrJoin(record.mount_ids, ", ")));
  return volume.PutRecord([](Record& changed) {
    changed.mount_ids.clear();
    changed.seen_in_use = false;
  });
}

absl::Status VolumeMounts::AwaitUnused(const Volume& volume, std::vector<MountedThing> things,
                                       absl::Duration patience) const {
  const absl::Time end = absl::Now() + patience;
  const std::string& name = volume.record.name;
  if (volume.ns.node.empty()) return absl::OkStatus();
  DeviceTree& tree = volume.source->tree();
  const std::string node = tree.NodePath(volume.ns);
  // A loop device belongs to the volume while it is attached to the node, and then holds the node
  // open. Later the kernel may reuse its number.
  things.erase(std::remove_if(things.begin(), things.end(),
                              [](const MountedThing& thing) { return major(thing.device) != 0; }),
               things.end());
  while (true) {
    ASSIGN_OR_RETURN(const uint64_t holders, tree.CountHolders(volume.ns));
    const auto loop = holders > 0 ? posix::LoopDevice::Find(node) : std::nullopt;
    std::vector<MountedThing> wanted = things;
    if (struct stat device = {}; loop && stat(loop->c_str(), &device) == 0)
      wanted.push_back({device.st_rdev, "", ""});
    // The plugin's own mounts are gone: each that is left belongs to a user.
    const std::vector<MountUser> users = FindMountUsers(wanted, "", Looking::kAtThreads);
    if (users.empty() && !loop && holders == 0) return absl::OkStatus();
    if (absl::Now() < end) {
      absl::SleepFor(kPause);
      continue;
    }
    if (!users.empty()) return InUse(name, absl::StrCat(": ", Describe(users)));
    if (loop)
      return InUse(name,
                   absl::StrCat(": its file system is still mounted from ", *loop,
                                "; find out where with: grep -l ", *loop, " /proc/[0-9]*/mounts"));
    return InUse(name, absl::StrCat(": its data file is open ", holders,
                                    " times; find out by whom with: fuser -v ", node));
  }
}

void VolumeMounts::NoteUsers(ClaimedVolume& volume) {
  const Volume seen = volume.Copy();
  std::set<std::string> known;
  if (!seen.record.mount_ids.empty())
    for (const MountUser& user : UsersOf(seen)) known.insert(Key(user));
  volume.Change([&](Volume& changed) {
    changed.known_users = std::move(known);
    changed.changed_use = absl::Now();
    changed.next_look = absl::InfinitePast();
  });
}

absl::Duration VolumeMounts::Watch() {
  const absl::Time now = absl::Now();
  absl::Time next = absl::InfiniteFuture();
  table_.ForEach([&](const Volume& volume) {
    if (NeedsLook(volume)) next = std::min(next, volume.next_look);
  });
  if (next > now) return std::min(next - now, kLatest);
  // One search of all processes serves every volume that is due soon; otherwise a thousand volumes
  // would cause a thousand searches.
  std::vector<Volume> due;
  table_.Schedule([&](Volume& volume) {
    if (!NeedsLook(volume)) return;
    const absl::Duration pause = std::clamp((now - volume.changed_use) / 10, kSoonest, kLatest);
    if (volume.next_look > now + pause / 2) return;
    volume.next_look = now + pause;
    due.push_back(volume);
  });
  std::vector<std::vector<MountedThing>> of_each;
  std::vector<MountedThing> all;
  for (const Volume& volume : due) {
    of_each.push_back(ThingsOf(volume));
    all.insert(all.end(), of_each.back().begin(), of_each.back().end());
    all.insert(all.end(), volume.dead.begin(), volume.dead.end());
  }
  const std::vector<MountUser> users =
      all.empty() ? std::vector<MountUser>() : FindMountUsers(all, directory_.volumes());
  const UserIndex index(users);
  for (size_t i = 0; i < due.size(); ++i)
    Settle(due[i].record.name, index.Of(of_each[i]), index.Of(due[i].dead).empty());
  return absl::ZeroDuration();
}

void VolumeMounts::Settle(const std::string& name, const std::vector<MountUser>& users,
                          bool is_dead_gone) {
  absl::StatusOr<ClaimedVolume> volume =
      table_.Claim(name, "being checked for users", absl::InfinitePast());
  if (!volume.ok()) return;
  if (is_dead_gone) volume->Change([](Volume& changed) { changed.dead.clear(); });
  const Volume seen = volume->Copy();
  const bool is_new = std::any_of(users.begin(), users.end(), [&](const MountUser& user) {
    return seen.known_users.count(Key(user)) == 0;
  });
  absl::Status status;
  if (is_new && !seen.record.mount_ids.empty() && !seen.record.seen_in_use)
    status = volume->PutRecord([](Record& record) { record.seen_in_use = true; });
  else if (users.empty() && seen.record.mount_ids.empty() && !seen.mountpoint.empty())
    status = LetGo(*volume, absl::ZeroDuration());
  if (!status.ok() && core::ErrnoOf(status) != EBUSY) core::LogRefusal(LogLevel::kWarning, status);
}

}  // namespace nvdimmfs::volumes
