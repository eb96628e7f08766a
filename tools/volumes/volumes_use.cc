// Volumes: who uses one. The truth is in the mount tables of all processes; the mount ids are what
// engines said, and an engine that is killed says nothing.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "backends/posix/loop_device.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/attachment.h"
#include "tools/volumes/mount_table.h"
#include "tools/volumes/volumes.h"

namespace nvdimmfs::volumes {
namespace {

using core::Log;
using core::LogLevel;

constexpr absl::Duration kPatience = absl::Milliseconds(3500);
constexpr absl::Duration kPause = absl::Milliseconds(30);
// A mount of an engine is looked for soon after it was asked for, and then ever more rarely.
constexpr absl::Duration kSoonest = absl::Milliseconds(100);
constexpr absl::Duration kLatest = absl::Seconds(10);

absl::Status InUse(const std::string& name, absl::string_view by) {
  return core::Refusal(EBUSY, "volume.mounted", absl::StrCat("volume ", name, " is in use", by));
}

std::string Key(const MountUser& user) { return absl::StrCat(user.pid, " ", user.place); }

}  // namespace

std::vector<MountedThing> Volumes::ThingsOf(const Volume& volume) const {
  const std::string place = PlaceOf(volume.record.name);
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
  // Its server may be another one by now.
  if (device && volume.fstype.empty())
    if (const auto data = DeviceAt(absl::StrCat(place, "/", kDataName))) trees.insert(*data);
  for (const dev_t tree : trees) things.push_back({tree, root, ""});
  return things;
}

std::vector<MountUser> Volumes::UsersOf(const Volume& volume) const {
  return FindMountUsers(ThingsOf(volume), config_.root + "/volumes");
}

absl::Status Volumes::LetGo(const VolumePtr& volume, absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  Volume seen;
  {
    absl::MutexLock lock(&mutex_);
    seen = *volume;
  }
  const std::string& name = seen.record.name;
  const std::string place = PlaceOf(name);
  struct stat stat = {};
  if (lstat(place.c_str(), &stat) == 0 || errno != ENOENT) {
    std::vector<MountUser> users;
    while (!(users = UsersOf(seen)).empty() && absl::Now() < end) absl::SleepFor(kPause);
    if (!users.empty()) return InUse(name, absl::StrCat(": ", Describe(users)));
    const absl::Status status = DetachIdle(place, std::max(end - absl::Now(), kPause));
    if (core::ErrnoOf(status) == EBUSY) {
      users = FindFileUsers(place);
      if (!users.empty()) return InUse(name, absl::StrCat(": ", Describe(users)));
      return InUse(name, absl::StrCat(" by a process that has something open below ", place,
                                      "; find it with: fuser -vm ", place));
    }
    RETURN_IF_ERROR(status);
  }
  absl::MutexLock lock(&mutex_);
  volume->mountpoint.clear();
  return absl::OkStatus();
}

absl::Status Volumes::CheckForgotten(const Volume& volume) const {
  const Record& record = volume.record;
  if (record.mount_ids.empty()) return absl::OkStatus();
  const std::string ids = absl::StrCat(" by ", absl::StrJoin(record.mount_ids, ", "));
  if (const auto users = UsersOf(volume); !users.empty())
    return InUse(record.name, absl::StrCat(ids, ": ", Describe(users)));
  if (record.seen_in_use) return absl::OkStatus();
  return InUse(record.name,
               absl::StrCat(ids,
                            " (ids of mounts that an engine asked for; no process has the "
                            "volume mounted yet). If that engine is gone, type: "
                            "nvdimmfs-volumes release ",
                            record.name));
}

absl::Status Volumes::ForgetIds(const VolumePtr& volume) {
  const Record record = RecordOf(*volume);
  if (record.mount_ids.empty()) return absl::OkStatus();
  Log(LogLevel::kNotice, "volume.forgotten",
      absl::StrCat("volume ", record.name, ": nobody has it mounted any more; forgotten: ",
                   absl::StrJoin(record.mount_ids, ", ")));
  return PutRecord(volume, [](Record& changed) {
    changed.mount_ids.clear();
    changed.seen_in_use = false;
  });
}

absl::Status Volumes::AwaitUnused(const VolumePtr& volume, std::vector<MountedThing> things,
                                  absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  Volume seen;
  {
    absl::MutexLock lock(&mutex_);
    seen = *volume;
  }
  const std::string& name = seen.record.name;
  DeviceTree& tree = seen.source->tree();
  const std::string node = tree.NodePath(seen.ns);
  if (seen.ns.node.empty()) return absl::OkStatus();
  // A loop device is ours as long as it is over the node, which it holds then. The next one may
  // have its number.
  things.erase(std::remove_if(things.begin(), things.end(),
                              [](const MountedThing& thing) { return major(thing.device) != 0; }),
               things.end());
  while (true) {
    ASSIGN_OR_RETURN(const uint64_t holders, tree.CountHolders(seen.ns));
    const auto loop = holders > 0 ? posix::LoopDevice::Find(node) : std::nullopt;
    std::vector<MountedThing> wanted = things;
    if (struct stat device = {}; loop && stat(loop->c_str(), &device) == 0)
      wanted.push_back({device.st_rdev, "", ""});
    // Our own mounts are gone: whoever has it mounted, wherever, uses it.
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

absl::Status Volumes::Release(const std::string& name) {
  const absl::Time deadline = absl::Now() + kPatience;
  ASSIGN_OR_RETURN(const VolumePtr volume, Claim(name, "being released", deadline));
  const auto job = Start(volume, [this, volume](Job& self) -> absl::Status {
    RETURN_IF_ERROR(LetGo(volume, kSoonest));
    if (!self.Commit()) return absl::OkStatus();
    return ForgetIds(volume);
  });
  return job->Wait(deadline,
                   core::Refusal(EAGAIN, "volume.busy",
                                 absl::StrCat("volume ", name, " is being released; ask again")));
}

absl::Duration Volumes::WatchUses() {
  const absl::Time now = absl::Now();
  absl::Time next = absl::InfiniteFuture();
  std::vector<std::pair<VolumePtr, Volume>> due;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, volume] : volumes_) {
      if (!volume->NeedsLook() || !volume->doing.empty()) continue;
      next = std::min(next, volume->next_look);
    }
    // One look at all processes is for everyone who would want it soon: else a thousand volumes
    // would have it a thousand times.
    for (const auto& [name, volume] : volumes_) {
      if (next > now || !volume->NeedsLook() || !volume->doing.empty()) continue;
      const absl::Duration pause = std::clamp((now - volume->changed_use) / 10, kSoonest, kLatest);
      if (volume->next_look > now + pause / 2) continue;
      volume->next_look = now + pause;
      due.emplace_back(volume, *volume);
    }
  }
  std::vector<std::vector<MountedThing>> of_each;
  std::vector<MountedThing> all;
  for (const auto& [volume, seen] : due) {
    of_each.push_back(ThingsOf(seen));
    all.insert(all.end(), of_each.back().begin(), of_each.back().end());
    all.insert(all.end(), seen.dead.begin(), seen.dead.end());
  }
  const std::vector<MountUser> users =
      all.empty() ? std::vector<MountUser>() : FindMountUsers(all, config_.root + "/volumes");
  const UserIndex index(users);
  for (size_t i = 0; i < due.size(); ++i)
    SettleUse(due[i].first, index.Of(of_each[i]), index.Of(due[i].second.dead).empty());
  return due.empty() ? std::min(next - now, kLatest) : absl::ZeroDuration();
}

void Volumes::SettleUse(const VolumePtr& volume, const std::vector<MountUser>& users,
                        bool is_dead_gone) {
  const std::string name = RecordOf(*volume).name;
  if (!Claim(name, "being looked at", absl::InfinitePast()).ok()) return;
  bool is_new = false, is_left = false;
  {
    absl::MutexLock lock(&mutex_);
    if (is_dead_gone) volume->dead.clear();
    is_new = std::any_of(users.begin(), users.end(), [&](const MountUser& user) {
      return volume->known_users.count(Key(user)) == 0;
    });
    is_new = is_new && !volume->record.mount_ids.empty() && !volume->record.seen_in_use;
    is_left = volume->record.mount_ids.empty() && !volume->mountpoint.empty();
  }
  absl::Status status;
  if (is_new)
    status = PutRecord(volume, [](Record& record) { record.seen_in_use = true; });
  else if (is_left && users.empty())
    status = LetGo(volume, absl::ZeroDuration());
  if (!status.ok() && core::ErrnoOf(status) != EBUSY) core::LogRefusal(LogLevel::kWarning, status);
  Unclaim(volume);
}

void Volumes::NoteUsers(const VolumePtr& volume) {
  Volume seen;
  {
    absl::MutexLock lock(&mutex_);
    seen = *volume;
  }
  std::set<std::string> known;
  if (!seen.record.mount_ids.empty())
    for (const MountUser& user : UsersOf(seen)) known.insert(Key(user));
  absl::MutexLock lock(&mutex_);
  volume->known_users = std::move(known);
  volume->changed_use = absl::Now();
  volume->next_look = absl::InfinitePast();
}

}  // namespace nvdimmfs::volumes
