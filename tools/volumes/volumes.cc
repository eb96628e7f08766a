// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/volumes.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/mount_users.h"
#include "tools/volumes/volume_name.h"
#include "tools/volumes/volumes_metrics.h"

namespace nvdimmfs::volumes {
namespace {

using core::Json;
using core::Log;
using core::LogLevel;

// podman waits 5 seconds for a call. Work that takes longer continues in the background.
constexpr absl::Duration kPatience = absl::Milliseconds(3500);

// How long the kernel may take to release an unmounted file system.
constexpr absl::Duration kHeld = absl::Seconds(2);
// How long a container whose engine unmounts may take to be gone.
constexpr absl::Duration kLeaving = absl::Milliseconds(500);
// How long a release waits for users to be gone.
constexpr absl::Duration kReleased = absl::Milliseconds(100);
// Between two looks at the servers.
constexpr absl::Duration kPing = absl::Seconds(1);
// How long a regular exit waits for work in progress.
constexpr absl::Duration kClose = absl::Seconds(20);

// Maximum length of a mount id in bytes, since the journal keeps them.
constexpr size_t kLongestId = 1024;

int64_t Now() { return absl::ToUnixSeconds(absl::Now()); }

std::string Words(const VolumeOptions& options) {
  return absl::StrJoin(ToMap(options), " ", absl::PairFormatter("="));
}

absl::Status StillBusy(const std::string& name, absl::string_view doing) {
  return core::Refusal(EAGAIN, "volume.busy",
                       absl::StrCat("volume ", name, " is ", doing, "; try again"));
}

absl::Status TookTooLong(const std::string& name) {
  return core::Refusal(EAGAIN, "volume.busy",
                       absl::StrCat("remove volume ", name, ": took too long; try again"));
}

// As shown by df, while it is mounted.
Json FileSystemOf(const std::string& type, const std::string& mountpoint) {
  Json json = {{"type", type}};
  struct statvfs whole = {};
  if (mountpoint.empty() || statvfs(mountpoint.c_str(), &whole) != 0) return json;
  json["size"] = whole.f_blocks * whole.f_frsize;
  json["used"] = (whole.f_blocks - whole.f_bfree) * whole.f_frsize;
  json["available"] = whole.f_bavail * whole.f_frsize;
  return json;
}

// Whether an existing volume is the requested one.
absl::Status Compare(const Volume& volume, const OptionMap& map, const VolumeOptions& options) {
  const std::string& name = volume.record.name;
  if (!volume.error.empty())
    return core::Refusal(EEXIST, "volume.unusable",
                         absl::StrCat("volume ", name, " exists but is unusable: ", volume.error,
                                      "; remove it first"));
  if (map.empty() || volume.record.options == options) return absl::OkStatus();
  return core::Refusal(
      EEXIST, "volume.exists",
      absl::StrCat("volume ", name, " exists, with other options: ", Words(volume.record.options)));
}

void WriteBack(const std::string& place) {
  const int top = open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) return;
  syncfs(top);
  close(top);
}

}  // namespace

Volumes::Volumes(const Config& config, StateDirectory directory)
    : config_(config),
      directory_(std::move(directory)),
      sources_(MakeSources(config.sources, directory_.sources())),
      journal_(directory_.journal()),
      table_(journal_),
      found_(table_),
      mounts_(directory_, table_),
      reclaimer_(journal_, own_, background_),
      maker_(directory_, sources_, journal_, own_, reclaimer_),
      recovery_({.directory = directory_,
                 .sources = sources_,
                 .journal = journal_,
                 .own = own_,
                 .volumes = found_,
                 .mounts = mounts_,
                 .maker = maker_,
                 .reclaimer = reclaimer_,
                 .background = background_}),
      keeper_(directory_, sources_, table_, recovery_),
      foreign_(sources_, journal_, table_, own_, reclaimer_, found_) {}

absl::StatusOr<std::unique_ptr<Volumes>> Volumes::Open(const Config& config) {
  ASSIGN_OR_RETURN(StateDirectory directory, StateDirectory::Open(config.root));
  auto volumes = absl::WrapUnique(new Volumes(config, std::move(directory)));
  RETURN_IF_ERROR(volumes->Recover());
  return volumes;
}

absl::Status Volumes::Recover() {
  ASSIGN_OR_RETURN(const std::vector<Record> records, recovery_.LoadRecords());
  ASSIGN_OR_RETURN(const FoundNamespaces found, keeper_.ServeAll());
  RETURN_IF_ERROR(recovery_.Recover(records, found));
  foreign_.Look(absl::InfiniteFuture());
  Log(LogLevel::kInfo, "volumes.recovery",
      absl::StrCat("started with ", sources_.size(), " sources and ", found.by_uuid.size(),
                   " namespaces"));
  return absl::OkStatus();
}

absl::Status Volumes::Create(const std::string& name, const OptionMap& map) {
  const absl::Time deadline = absl::Now() + kPatience;
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(VolumeOptions options, ParseVolumeOptions(map));
  if (options.size == 0) options.size = config_.default_size;
  std::optional<ClaimedVolume> added;
  while (!added) {
    const absl::StatusOr<ClaimedVolume> there = table_.Claim(name, "being looked at", deadline);
    if (there.ok()) return Compare(there->Copy(), map, options);
    if (core::ErrnoOf(there.status()) != ENOENT) return there.status();
    if (options.size == 0)
      return core::Refusal(EINVAL, "volume.option",
                           absl::StrCat("volume ", name,
                                        " needs a size, such as -o size=64M (start the plugin with "
                                        "--default-size to give one to volumes without)"));
    Volume volume;
    volume.record = {.name = name, .options = options, .changed = Now()};
    volume.doing = "being made";
    volume.is_being_made = true;
    added = table_.Add(std::move(volume));
  }
  const auto job = background_.Start(
      *std::move(added), [this](ClaimedVolume& volume, Job& self) { return Make(volume, self); });
  return job->Wait(deadline, core::Refusal(EAGAIN, "volume.busy",
                                           absl::StrCat("create volume ", name,
                                                        ": the device tree is busy; try again")));
}

// After a failure, a volume without a namespace is forgotten if the caller gets the error or has
// removed the volume meanwhile. Otherwise it stays until it is removed: a caller that was told of
// success learns the error from Get and Mount.
absl::Status Volumes::Make(ClaimedVolume& volume, Job& job) {
  const absl::Status status = maker_.Make(volume, job);
  const bool is_told = !status.ok() && job.Fail();
  volume.Change([&](Volume& made) {
    made.is_being_made = false;
    made.error = std::string(status.message());
  });
  const Volume made = volume.Copy();
  const bool is_forgotten = !status.ok() && (is_told || made.is_cancelled) && !made.source;
  volume.ForgetWhenReleased(is_forgotten);
  if (status.ok())
    Log(LogLevel::kInfo, "volume.created",
        absl::StrCat("volume ", volume.name(), " created: ", made.ns.device, " of ",
                     made.source->path(), ", ", Words(made.record.options)));
  else if (!is_told)
    core::LogRefusal(LogLevel::kError, core::Annotate(status, "volume " + volume.name()));
  return status;
}

absl::StatusOr<std::string> Volumes::Mount(const std::string& name, const std::string& id) {
  const absl::Time deadline = absl::Now() + kPatience;
  if (id.size() > kLongestId)
    return core::Refusal(EINVAL, "volume.id",
                         absl::StrCat("mount id of ", id.size(), " bytes is too long; maximum ",
                                      kLongestId, " bytes"));
  ASSIGN_OR_RETURN(ClaimedVolume claimed, table_.Claim(name, "being mounted", deadline));
  if (const std::string error = claimed.Copy().error; !error.empty())
    return core::Refusal(EIO, "volume.unusable",
                         absl::StrCat("volume ", name, " cannot be used: ", error));
  const auto job = background_.Start(
      std::move(claimed), [this, id](ClaimedVolume& volume, Job& self) -> absl::Status {
        RETURN_IF_ERROR(mounts_.Mount(volume));
        mounts_.NoteUsers(volume);
        // A caller that no longer waits has not mounted it: the mount stays for the next one.
        if (!self.Commit()) return absl::OkStatus();
        RETURN_IF_ERROR(volume.PutRecord([&](Record& record) {
          record.boot_id = BootId();
          if (record.mount_ids.insert(id).second) record.seen_in_use = false;
        }));
        Log(LogLevel::kInfo, "volume.mounted",
            absl::StrCat("volume ", volume.name(), " mounted for ", id));
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(job->Wait(deadline, StillBusy(name, "being mounted")));
  return directory_.PlaceOf(name);
}

absl::Status Volumes::Unmount(const std::string& name, const std::string& id) {
  const absl::Time deadline = absl::Now() + kPatience;
  absl::StatusOr<ClaimedVolume> claimed = table_.Claim(name, "being unmounted", deadline);
  // An engine repeats a call whose answer it lost.
  if (core::ErrnoOf(claimed.status()) == ENOENT) return absl::OkStatus();
  if (!claimed.ok()) return claimed.status();
  const auto job = background_.Start(
      *std::move(claimed), [this, id](ClaimedVolume& volume, Job& self) -> absl::Status {
        const Record record = volume.record();
        if (!self.Commit()) return absl::OkStatus();
        if (record.mount_ids.count(id) > 0)
          RETURN_IF_ERROR(volume.PutRecord([&](Record& changed) { changed.mount_ids.erase(id); }));
        if (record.mount_ids.size() > record.mount_ids.count(id)) return absl::OkStatus();
        const absl::Status status = mounts_.LetGo(volume, kLeaving);
        if (core::ErrnoOf(status) != EBUSY) {
          Log(LogLevel::kInfo, "volume.unmounted",
              absl::StrCat("volume ", volume.name(), " unmounted"));
          return status;
        }
        Log(LogLevel::kNotice, "volume.unmounted",
            absl::StrCat("the last mount id is gone, but ", status.message(),
                         "; unmounting when that has ended"));
        volume.Change([](Volume& changed) { changed.changed_use = absl::Now(); });
        return absl::OkStatus();
      });
  return job->Wait(deadline, StillBusy(name, "being unmounted"));
}

absl::Status Volumes::Remove(const std::string& name) {
  const absl::Time deadline = absl::Now() + kPatience;
  table_.CancelMaking(name);
  absl::StatusOr<ClaimedVolume> claimed = table_.Claim(name, "being removed", deadline);
  // An engine repeats a call whose answer it lost.
  if (core::ErrnoOf(claimed.status()) == ENOENT) return absl::OkStatus();
  if (!claimed.ok()) return claimed.status();
  RETURN_IF_ERROR(CheckRemovable(claimed->Copy()));
  const auto job = background_.Start(*std::move(claimed), [this](ClaimedVolume& volume, Job& self) {
    return DoRemove(volume, self);
  });
  return job->Wait(deadline, StillBusy(name, "being removed"));
}

// The status that is known without asking its server.
absl::Status Volumes::CheckRemovable(const Volume& volume) const {
  const std::string& name = volume.record.name;
  if (volume.record.adopted && !config_.adopt)
    return core::Refusal(
        EPERM, "volume.adopted",
        absl::StrCat("volume ", name,
                     " is a namespace that was not made here; start the plugin with --adopt to "
                     "have it removed, or use ndctl destroy-namespace"));
  if (volume.source != nullptr && !volume.source->trouble().empty())
    return core::Refusal(EIO, "volume.failed",
                         absl::StrCat("volume ", name, " cannot be removed: ", volume.error));
  return absl::OkStatus();
}

absl::Status Volumes::DoRemove(ClaimedVolume& volume, Job& job) {
  const Volume seen = volume.Copy();
  const std::string& name = seen.record.name;
  if (seen.source == nullptr) {  // there never was a namespace
    if (!job.Commit()) return TookTooLong(name);
    volume.ForgetWhenReleased();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(mounts_.CheckForgotten(seen));
  std::vector<MountedThing> things = mounts_.ThingsOf(seen);
  RETURN_IF_ERROR(mounts_.LetGo(volume, kHeld / 2));
  RETURN_IF_ERROR(mounts_.ForgetIds(volume));
  RETURN_IF_ERROR(mounts_.AwaitUnused(seen, std::move(things), kHeld));
  if (!job.Commit()) return TookTooLong(name);
  RETURN_IF_ERROR(volume.PutRecord([](Record& record) { record.state = RecordState::kRemoving; }));
  Log(LogLevel::kInfo, "volume.removed",
      absl::StrCat("volume ", name, " removed",
                   seen.record.options.erase ? "; erasing its bytes" : ""));
  // In this order, so that a reader always finds one of the two.
  const Reclaimer::LeavingPtr leaving = reclaimer_.Add(volume.record(), *seen.source, seen.ns);
  volume.ForgetWhenReleased();
  volume.Release();
  reclaimer_.Reclaim(leaving);
  return absl::OkStatus();
}

absl::Status Volumes::Release(const std::string& name) {
  const absl::Time deadline = absl::Now() + kPatience;
  ASSIGN_OR_RETURN(ClaimedVolume claimed, table_.Claim(name, "being released", deadline));
  const auto job = background_.Start(std::move(claimed),
                                     [this](ClaimedVolume& volume, Job& self) -> absl::Status {
                                       RETURN_IF_ERROR(mounts_.LetGo(volume, kReleased));
                                       if (!self.Commit()) return absl::OkStatus();
                                       return mounts_.ForgetIds(volume);
                                     });
  return job->Wait(deadline, StillBusy(name, "being released"));
}

absl::StatusOr<std::string> Volumes::Path(const std::string& name) {
  const std::optional<Volume> volume = table_.Find(name);
  if (!volume) return VolumeTable::NoVolume(name);
  return volume->mountpoint;
}

absl::StatusOr<VolumeView> Volumes::Get(const std::string& name) {
  const absl::Time deadline = absl::Now() + kPatience;
  if (foreign_.MayHaveChanged(name, deadline)) foreign_.Look(deadline);
  const std::optional<Volume> volume = table_.Find(name);
  if (!volume) {
    const std::optional<Reclaimer::Leaving> leaving = reclaimer_.Find(name);
    if (!leaving) return VolumeTable::NoVolume(name);
    return core::Refusal(
        ENOENT, "volume.none",
        absl::StrCat("volume ", name, " was removed; its bytes are being erased (",
                     leaving->progress, " %)", leaving->error.empty() ? "" : ": ", leaving->error));
  }
  return VolumeView{.name = name,
                    .mountpoint = volume->mountpoint,
                    .created = volume->record.changed,
                    .status = StatusOf(*volume, deadline)};
}

std::vector<VolumeView> Volumes::List() {
  foreign_.Look(absl::Now() + kPatience);
  std::vector<VolumeView> views;
  for (const Volume& volume : table_.All())
    views.push_back({.name = volume.record.name,
                     .mountpoint = volume.mountpoint,
                     .created = volume.record.changed,
                     .status = nullptr});
  return views;
}

std::string Volumes::Metrics() {
  return MeasureVolumes(directory_, sources_, table_, reclaimer_, keeper_);
}

Json Volumes::StatusOf(const Volume& volume, absl::Time deadline) {
  const Record& record = volume.record;
  Json json;
  json["state"] = !volume.error.empty() ? "failed"
                  : !volume.is_idle()   ? volume.doing
                                        : StateName(record.state);
  if (volume.progress >= 0) json["progress"] = volume.progress;
  if (!volume.error.empty()) json["error"] = volume.error;
  json["options"] = Json::ObjectOf(ToMap(record.options));
  json["size"] = volume.ns.size;
  json["capacity"] = volume.ns.capacity;
  json["sector_size"] = volume.ns.sector_size;
  json["mounts"] = Json::ArrayOf(record.mount_ids);
  json["users"] = Json::EmptyArray();
  if (!record.mount_ids.empty() || !volume.mountpoint.empty())
    for (const MountUser& user : mounts_.UsersOf(volume)) json["users"].push_back(Describe({user}));
  json["adopted"] = record.adopted;
  if (!volume.fstype.empty()) json["file_system"] = FileSystemOf(volume.fstype, volume.mountpoint);
  if (volume.source == nullptr) return json;
  json["source"] = volume.source->path();
  json["namespace"] = volume.ns.device;
  json["node"] = volume.ns.node;
  json["uuid"] = record.uuid;
  const Source::Answer answer = volume.source->Ping(deadline);
  json["server"] = answer == Source::Answer::kServing ? "serving"
                   : answer == Source::Answer::kGone  ? "gone"
                                                      : "does not answer";
  const bool is_good = answer == Source::Answer::kServing && volume.error.empty();
  json["health"] = is_good ? "good" : "failed";
  if (answer == Source::Answer::kLate) json["state"] = json["server"];
  if (answer != Source::Answer::kServing) return json;
  for (const DeviceTree::Region& region : volume.source->Regions(deadline)) {
    if (region.device != volume.ns.region) continue;
    json["region"] = {{"name", region.device},
                      {"size", region.size},
                      {"available", region.available},
                      {"bad_sectors", region.bad_sectors},
                      {"read_only", region.read_only}};
    if (region.bad_sectors > 0 && is_good) json["health"] = "bad sectors";
  }
  if (const auto users = FindMountUsers(volume.dead, directory_.volumes()); !users.empty()) {
    json["dead_mounts"] = Json::EmptyArray();
    for (const MountUser& user : users) json["dead_mounts"].push_back(Describe({user}));
    json["health"] = "dead mounts: restart these containers";
  }
  return json;
}

absl::Duration Volumes::Watch() {
  if (next_ping_ <= absl::Now()) {
    keeper_.Watch();
    reclaimer_.RetryAll();
    own_.Prune(absl::Now());
    next_ping_ = absl::Now() + kPing;
  }
  return std::clamp(mounts_.Watch(), absl::ZeroDuration(), next_ping_ - absl::Now());
}

void Volumes::Close() {
  background_.AwaitIdle(absl::Now() + kClose);
  std::set<const Source*> needed;
  for (const Volume& volume : table_.All()) {
    absl::StatusOr<ClaimedVolume> claimed =
        table_.Claim(volume.record.name, "being unmounted", absl::InfinitePast());
    if (volume.record.mount_ids.empty() && claimed.ok() &&
        mounts_.LetGo(*claimed, absl::ZeroDuration()).ok())
      continue;
    WriteBack(directory_.PlaceOf(volume.record.name));
    needed.insert(volume.source);
  }
  for (const auto& source : sources_)
    if (needed.count(source.get()) == 0) core::LogRefusal(LogLevel::kWarning, source->Stop());
}

}  // namespace nvdimmfs::volumes
