#include "tools/volumes/volumes.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/attachment.h"
#include "tools/volumes/volume_name.h"

namespace nvdimmfs::volumes {
namespace {

using core::Log;
using core::LogLevel;
using Json = nlohmann::ordered_json;

// podman gives a call 5 seconds. What is not done by then goes on behind.
constexpr absl::Duration kPatience = absl::Milliseconds(3500);

// How long the kernel may take to let go of what was unmounted.
constexpr absl::Duration kHeld = absl::Seconds(2);
// How long a container whose engine unmounts may take to be gone.
constexpr absl::Duration kLeaving = absl::Milliseconds(500);

constexpr char kNoThread[] = "volumes.threads";

// Of a mount, in bytes: the journal keeps them.
constexpr size_t kLongestId = 1024;

int64_t Now() { return absl::ToUnixSeconds(absl::Now()); }

absl::Status NoVolume(const std::string& name) {
  return core::Refusal(ENOENT, "volume.none", absl::StrCat("there is no volume ", name));
}

// As df shows it, while it is mounted.
Json FileSystemOf(const std::string& type, const std::string& mountpoint) {
  Json json = {{"type", type}};
  struct statvfs whole = {};
  if (mountpoint.empty() || statvfs(mountpoint.c_str(), &whole) != 0) return json;
  json["size"] = whole.f_blocks * whole.f_frsize;
  json["used"] = (whole.f_blocks - whole.f_bfree) * whole.f_frsize;
  json["available"] = whole.f_bavail * whole.f_frsize;
  return json;
}

}  // namespace

std::string Volumes::Busy(const Volume& volume) {
  return absl::StrCat("volume ", volume.record.name, " is ", volume.doing,
                      volume.progress >= 0 ? absl::StrCat(" (", volume.progress, " %)") : "",
                      "; ask again");
}

std::string Volumes::PlaceOf(const std::string& name) const {
  return absl::StrCat(config_.root, "/volumes/", name);
}

absl::StatusOr<Volumes::VolumePtr> Volumes::Claim(const std::string& name, const std::string& doing,
                                                  absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  // Whether the volume is idle, or not there.
  const auto settled = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = volumes_.find(name);
    return found == volumes_.end() || found->second->doing.empty();
  };
  mutex_.AwaitWithDeadline(absl::Condition(&settled), deadline);
  const auto found = volumes_.find(name);
  if (found == volumes_.end()) return NoVolume(name);
  const VolumePtr volume = found->second;
  if (!volume->doing.empty()) return core::Refusal(EAGAIN, "volume.busy", Busy(*volume));
  volume->doing = doing;
  volume->progress = -1;
  return volume;
}

void Volumes::Unclaim(const VolumePtr& volume) {
  absl::MutexLock lock(&mutex_);
  volume->doing.clear();
  volume->progress = -1;
}

bool Volumes::Spawn(std::function<void()> work) {
  {
    absl::MutexLock lock(&mutex_);
    ++jobs_;
  }
  const bool is_started = StartThread([this, work = std::move(work)] {
    work();
    absl::MutexLock lock(&mutex_);
    --jobs_;
  });
  if (is_started) return true;
  absl::MutexLock lock(&mutex_);
  --jobs_;
  return false;
}

std::shared_ptr<Job> Volumes::Start(const VolumePtr& volume,
                                    std::function<absl::Status(Job&)> work) {
  auto job = std::make_shared<Job>();
  const bool is_started = Spawn([this, volume, job, work = std::move(work)] {
    const absl::Status status = work(*job);
    // Before the caller hears of it: it may be back at once.
    Unclaim(volume);
    job->Finish(status);
  });
  if (!is_started) {
    Unclaim(volume);
    job->Finish(
        core::Refusal(EAGAIN, kNoThread, "the plugin cannot start a thread for this; ask again"));
  }
  return job;
}

Record Volumes::RecordOf(const Volume& volume) {
  absl::MutexLock lock(&mutex_);
  return volume.record;
}

absl::Status Volumes::PutRecord(const VolumePtr& volume,
                                const std::function<void(Record&)>& change) {
  Record record = RecordOf(*volume);
  change(record);
  RETURN_IF_ERROR(journal_.Put(record));
  absl::MutexLock lock(&mutex_);
  volume->record = std::move(record);
  return absl::OkStatus();
}

// Whether a volume that is there is the one that is wanted.
absl::Status Volumes::Compare(const Volume& volume, const OptionMap& map,
                              const VolumeOptions& options) {
  absl::MutexLock lock(&mutex_);
  const std::string& name = volume.record.name;
  if (!volume.error.empty())
    return core::Refusal(EEXIST, "volume.exists",
                         absl::StrCat("volume ", name, " exists but is unusable: ", volume.error,
                                      "; remove it first"));
  if (map.empty() || volume.record.options == options) return absl::OkStatus();
  return core::Refusal(
      EEXIST, "volume.exists",
      absl::StrCat("volume ", name, " exists, with other options: ",
                   absl::StrJoin(ToMap(volume.record.options), " ", absl::PairFormatter("="))));
}

absl::Status Volumes::Create(const std::string& name, const OptionMap& map) {
  const absl::Time deadline = absl::Now() + kPatience;
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(VolumeOptions options, ParseVolumeOptions(map));
  if (options.size == 0) options.size = config_.default_size;
  auto volume = std::make_shared<Volume>();
  volume->record = {.name = name, .options = options, .changed = Now()};
  volume->doing = "being made";
  volume->is_being_made = true;
  for (bool is_first = false; !is_first;) {
    const absl::StatusOr<VolumePtr> there = Claim(name, "being looked at", deadline);
    if (there.ok()) {
      const absl::Status same = Compare(**there, map, options);
      Unclaim(*there);
      return same;
    }
    if (core::ErrnoOf(there.status()) != ENOENT) return there.status();
    if (options.size == 0)
      return core::Refusal(EINVAL, "volume.option",
                           absl::StrCat("volume ", name,
                                        " needs a size, such as -o size=64M (a plugin started with "
                                        "--default-size has one for those without)"));
    absl::MutexLock lock(&mutex_);
    is_first = volumes_.emplace(name, volume).second;
  }
  const auto job = Start(volume, [this, volume, name](Job& self) {
    const absl::Status status = Make(volume, self);
    if (status.ok()) {
      absl::MutexLock lock(&mutex_);
      volume->is_being_made = false;
      Log(LogLevel::kInfo, "volume.created",
          absl::StrCat(
              "volume ", name, " created: ", volume->ns.device, " of ", volume->source->path(),
              ", ", absl::StrJoin(ToMap(volume->record.options), " ", absl::PairFormatter("="))));
      return status;
    }
    // Who believes that all is well hears of it from Status and Mount. What has a namespace stays,
    // to be removed.
    const bool is_told = self.Fail();
    absl::MutexLock lock(&mutex_);
    volume->is_being_made = false;
    volume->error = std::string(status.message());
    if ((is_told || volume->is_cancelled) && volume->source == nullptr) volumes_.erase(name);
    if (!is_told) core::LogRefusal(LogLevel::kError, core::Annotate(status, "volume " + name));
    return status;
  });
  const absl::Status status = job->Wait(
      deadline,
      core::Refusal(EAGAIN, "volume.busy",
                    absl::StrCat("volume ", name, ": the device tree takes its time; ask again")));
  if (core::ReasonOf(status) == kNoThread) {
    absl::MutexLock lock(&mutex_);
    volumes_.erase(name);
  }
  return status;
}

void Volumes::CancelMaking(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const auto found = volumes_.find(name);
  if (found != volumes_.end() && found->second->is_being_made) found->second->is_cancelled = true;
}

absl::StatusOr<std::string> Volumes::Mount(const std::string& name, const std::string& id) {
  const absl::Time deadline = absl::Now() + kPatience;
  if (id.size() > kLongestId)
    return core::Refusal(EINVAL, "volume.id",
                         absl::StrCat("a mount id of ", id.size(), " bytes; ", kLongestId,
                                      " are taken, engines use 64"));
  ASSIGN_OR_RETURN(const VolumePtr volume, Claim(name, "being mounted", deadline));
  std::string error;
  {
    absl::MutexLock lock(&mutex_);
    error = volume->error;
  }
  if (!error.empty()) {
    Unclaim(volume);
    return core::Refusal(EIO, "volume.failed",
                         absl::StrCat("volume ", name, " cannot be used: ", error));
  }
  const auto job = Start(volume, [this, volume, name, id](Job& self) {
    RETURN_IF_ERROR(AttachVolume(volume));
    NoteUsers(volume);
    // Who is not waiting any more has not mounted it: it stays for the next one who asks.
    if (!self.Commit()) return absl::OkStatus();
    RETURN_IF_ERROR(PutRecord(volume, [&](Record& record) {
      record.boot_id = boot_id_;
      if (record.mount_ids.insert(id).second) record.seen_in_use = false;
    }));
    Log(LogLevel::kInfo, "volume.mounted", absl::StrCat("volume ", name, " mounted for ", id));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(job->Wait(
      deadline, core::Refusal(EAGAIN, "volume.busy",
                              absl::StrCat("volume ", name, " is being mounted; ask again"))));
  return PlaceOf(name);
}

absl::Status Volumes::Unmount(const std::string& name, const std::string& id) {
  const absl::Time deadline = absl::Now() + kPatience;
  const absl::StatusOr<VolumePtr> claimed = Claim(name, "being unmounted", deadline);
  // Engines ask again after a lost answer.
  if (core::ErrnoOf(claimed.status()) == ENOENT) return absl::OkStatus();
  if (!claimed.ok()) return claimed.status();
  const VolumePtr volume = *claimed;
  const auto job = Start(volume, [this, volume, name, id](Job& self) {
    const Record record = RecordOf(*volume);
    if (!self.Commit()) return absl::OkStatus();
    if (record.mount_ids.count(id) > 0)
      RETURN_IF_ERROR(PutRecord(volume, [&](Record& changed) { changed.mount_ids.erase(id); }));
    if (record.mount_ids.size() > record.mount_ids.count(id)) return absl::OkStatus();
    const absl::Status status = LetGo(volume, kLeaving);
    if (core::ErrnoOf(status) != EBUSY) {
      Log(LogLevel::kInfo, "volume.unmounted", absl::StrCat("volume ", name, " unmounted"));
      return status;
    }
    Log(LogLevel::kNotice, "volume.unmounted",
        absl::StrCat("the last mount id left, but ", status.message(),
                     "; it is unmounted when that has ended"));
    absl::MutexLock lock(&mutex_);
    volume->changed_use = absl::Now();
    return absl::OkStatus();
  });
  return job->Wait(deadline,
                   core::Refusal(EAGAIN, "volume.busy",
                                 absl::StrCat("volume ", name, " is being unmounted; ask again")));
}

absl::Status Volumes::Remove(const std::string& name) {
  const absl::Time deadline = absl::Now() + kPatience;
  CancelMaking(name);
  const absl::StatusOr<VolumePtr> claimed = Claim(name, "being removed", deadline);
  // Engines ask again after a lost answer.
  if (core::ErrnoOf(claimed.status()) == ENOENT) return absl::OkStatus();
  if (!claimed.ok()) return claimed.status();
  const VolumePtr volume = *claimed;
  if (const absl::Status status = CheckRemovable(volume); !status.ok()) {
    Unclaim(volume);
    return status;
  }
  const auto job = Start(volume, [this, volume](Job& self) { return DoRemove(volume, self); });
  return job->Wait(deadline,
                   core::Refusal(EAGAIN, "volume.busy",
                                 absl::StrCat("volume ", name, " is being removed; ask again")));
}

// What can be told without asking its server.
absl::Status Volumes::CheckRemovable(const VolumePtr& volume) {
  absl::MutexLock lock(&mutex_);
  const std::string& name = volume->record.name;
  if (volume->record.adopted && !config_.adopt)
    return core::Refusal(
        EPERM, "volume.adopted",
        absl::StrCat("volume ", name,
                     " is a namespace that was not made here; start the plugin "
                     "with --adopt to have it removed, or use ndctl destroy-namespace"));
  if (volume->source != nullptr && !volume->source->trouble().empty())
    return core::Refusal(EIO, "volume.failed",
                         absl::StrCat("volume ", name, " cannot be removed: ", volume->error));
  return absl::OkStatus();
}

absl::Status Volumes::DoRemove(const VolumePtr& volume, Job& job) {
  Volume seen;
  {
    absl::MutexLock lock(&mutex_);
    seen = *volume;
  }
  const std::string& name = seen.record.name;
  auto leaving = std::make_shared<Leaving>();
  if (seen.source == nullptr) {  // there never was a namespace
    if (!job.Commit()) return core::Refusal(EAGAIN, "volume.busy", name + ": it took too long");
    absl::MutexLock lock(&mutex_);
    volumes_.erase(name);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(CheckForgotten(seen));
  std::vector<MountedThing> things = ThingsOf(seen);
  RETURN_IF_ERROR(LetGo(volume, kHeld / 2));
  RETURN_IF_ERROR(ForgetIds(volume));
  RETURN_IF_ERROR(AwaitUnused(volume, std::move(things), kHeld));
  if (!job.Commit()) return core::Refusal(EAGAIN, "volume.busy", name + ": it took too long");
  *leaving = {.record = RecordOf(*volume), .source = seen.source, .ns = seen.ns};
  leaving->record.state = RecordState::kRemoving;
  RETURN_IF_ERROR(journal_.Put(leaving->record));
  Log(LogLevel::kInfo, "volume.removed",
      absl::StrCat("volume ", name, " removed",
                   leaving->record.options.erase ? "; its bytes are being erased" : ""));
  {
    absl::MutexLock lock(&mutex_);
    volumes_.erase(name);
    own_.insert(leaving->record.uuid);
    leaving_.push_back(leaving);
    leaving->working = true;
  }
  // There is no such volume any more: what goes wrong from here on is tried again behind.
  Free(leaving).IgnoreError();
  return absl::OkStatus();
}

absl::StatusOr<std::string> Volumes::Path(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const auto found = volumes_.find(name);
  if (found == volumes_.end()) return NoVolume(name);
  return found->second->mountpoint;
}

absl::StatusOr<VolumeView> Volumes::Get(const std::string& name) {
  const absl::Time deadline = absl::Now() + kPatience;
  if (MayHaveChanged(name, deadline)) looking_.Run(deadline);
  Volume volume;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = volumes_.find(name);
    for (const LeavingPtr& leaving : leaving_)
      if (found == volumes_.end() && leaving->record.name == name)
        return core::Refusal(
            ENOENT, "volume.none",
            absl::StrCat("volume ", name, " was removed; its bytes are being erased", " (",
                         leaving->progress, " %)", leaving->error.empty() ? "" : ": ",
                         leaving->error));
    if (found == volumes_.end()) return NoVolume(name);
    volume = *found->second;
  }
  VolumeView view{.name = name, .mountpoint = volume.mountpoint, .created = volume.record.changed};
  view.status = StatusOf(volume, deadline);
  return view;
}

std::vector<VolumeView> Volumes::List() {
  looking_.Run(absl::Now() + kPatience);
  absl::MutexLock lock(&mutex_);
  std::vector<VolumeView> views;
  for (const auto& [name, volume] : volumes_)
    views.push_back({.name = name,
                     .mountpoint = volume->mountpoint,
                     .created = volume->record.changed,
                     .status = nullptr});
  return views;
}

Json Volumes::StatusOf(const Volume& volume, absl::Time deadline) {
  const Record& record = volume.record;
  Json json;
  json["state"] = !volume.error.empty()   ? "failed"
                  : !volume.doing.empty() ? volume.doing
                                          : StateName(record.state);
  if (volume.progress >= 0) json["progress"] = volume.progress;
  if (!volume.error.empty()) json["error"] = volume.error;
  json["options"] = ToMap(record.options);
  json["size"] = volume.ns.size;
  json["capacity"] = volume.ns.capacity;
  json["sector_size"] = volume.ns.sector_size;
  json["mounts"] = record.mount_ids;
  json["users"] = Json::array();
  if (!record.mount_ids.empty() || !volume.mountpoint.empty())
    for (const MountUser& user : UsersOf(volume)) json["users"].push_back(Describe({user}));
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
  if (const auto users = FindMountUsers(volume.dead, config_.root + "/volumes"); !users.empty()) {
    json["dead_mounts"] = Json::array();
    for (const MountUser& user : users) json["dead_mounts"].push_back(Describe({user}));
    json["health"] = "dead mounts: restart these containers";
  }
  return json;
}

void Volumes::Close() {
  std::set<const Source*> needed;
  std::vector<VolumePtr> all;
  {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(
                                +[](int* jobs) { return *jobs == 0; }, &jobs_),
                            absl::Seconds(20));
    for (const auto& [name, volume] : volumes_) all.push_back(volume);
  }
  for (const VolumePtr& volume : all) {
    const Record record = RecordOf(*volume);
    const std::string place = PlaceOf(record.name);
    if (record.mount_ids.empty() && LetGo(volume, absl::ZeroDuration()).ok()) continue;
    if (const int top = open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); top >= 0) {
      syncfs(top);
      close(top);
    }
    needed.insert(volume->source);
  }
  for (const auto& source : sources_)
    if (needed.count(source.get()) == 0) core::LogRefusal(LogLevel::kWarning, source->Stop());
}

Volumes::~Volumes() {
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](int* jobs) { return *jobs == 0; }, &jobs_));
  }
  close(lock_);
}

}  // namespace nvdimmfs::volumes
