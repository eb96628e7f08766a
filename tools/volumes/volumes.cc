#include "tools/volumes/volumes.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/status.h"
#include "tools/volumes/attachment.h"
#include "tools/volumes/volume_name.h"

namespace nvdimmfs::volumes {
namespace {

using Json = nlohmann::ordered_json;

// podman gives a call 5 seconds. What is not done by then goes on behind.
constexpr absl::Duration kPatience = absl::Milliseconds(3500);

// How long the kernel may take to let go of what was unmounted.
constexpr absl::Duration kHeld = absl::Seconds(2);

// Of a mount, in bytes: the journal keeps them.
constexpr size_t kLongestId = 1024;

int64_t Now() { return absl::ToUnixSeconds(absl::Now()); }

absl::Status NoVolume(const std::string& name) {
  return core::Refusal(ENOENT, "volume.none", absl::StrCat("there is no volume ", name));
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

absl::StatusOr<Volumes::VolumePtr> Volumes::Claim(const std::string& name,
                                                  const std::string& doing, absl::Time deadline) {
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

void Volumes::Release(const VolumePtr& volume) {
  absl::MutexLock lock(&mutex_);
  volume->doing.clear();
  volume->progress = -1;
}

void Volumes::Spawn(std::function<void()> work) {
  {
    absl::MutexLock lock(&mutex_);
    ++jobs_;
  }
  std::thread([this, work = std::move(work)] {
    work();
    absl::MutexLock lock(&mutex_);
    --jobs_;
  }).detach();
}

std::shared_ptr<Job> Volumes::Start(const VolumePtr& volume,
                                    std::function<absl::Status(Job&)> work) {
  auto job = std::make_shared<Job>();
  Spawn([this, volume, job, work = std::move(work)] {
    const absl::Status status = work(*job);
    // Before the caller hears of it: it may be back at once.
    Release(volume);
    job->Finish(status);
  });
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
                         absl::StrCat("volume ", name, " exists, and is of no use: ", volume.error,
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
  for (bool is_first = false; !is_first;) {
    const absl::StatusOr<VolumePtr> there = Claim(name, "being looked at", deadline);
    if (there.ok()) {
      const absl::Status same = Compare(**there, map, options);
      Release(*there);
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
    if (status.ok()) return status;
    // Who believes that all is well hears of it from Status and Mount. What has a namespace stays,
    // to be removed.
    const bool is_told = self.Fail();
    absl::MutexLock lock(&mutex_);
    volume->error = std::string(status.message());
    if (is_told && volume->source == nullptr) volumes_.erase(name);
    return status;
  });
  return job->Wait(deadline, core::Refusal(EAGAIN, "volume.busy",
                                           absl::StrCat("volume ", name, ": the device tree takes "
                                                        "its time; ask again")));
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
    Release(volume);
    return core::Refusal(EIO, "volume.failed",
                         absl::StrCat("volume ", name, " cannot be used: ", error));
  }
  const auto job = Start(volume, [this, volume, id](Job& self) {
    RETURN_IF_ERROR(AttachVolume(volume));
    // Who is not waiting any more has not mounted it: it stays for the next one who asks.
    if (!self.Commit()) return absl::OkStatus();
    return PutRecord(volume, [&](Record& record) {
      record.boot_id = boot_id_;
      record.mount_ids.insert(id);
    });
  });
  RETURN_IF_ERROR(job->Wait(
      deadline, core::Refusal(EAGAIN, "volume.busy",
                              absl::StrCat("volume ", name, " is being mounted; ask again"))));
  return PlaceOf(name);
}

absl::Status Volumes::Unmount(const std::string& name, const std::string& id) {
  const absl::Time deadline = absl::Now() + kPatience;
  ASSIGN_OR_RETURN(const VolumePtr volume, Claim(name, "being unmounted", deadline));
  const auto job = Start(volume, [this, volume, id](Job& self) {
    const Record record = RecordOf(*volume);
    if (!self.Commit()) return absl::OkStatus();
    if (record.mount_ids.count(id) > 0)
      RETURN_IF_ERROR(PutRecord(volume, [&](Record& changed) { changed.mount_ids.erase(id); }));
    if (record.mount_ids.size() > record.mount_ids.count(id)) return absl::OkStatus();
    {
      absl::MutexLock lock(&mutex_);
      volume->mountpoint.clear();
    }
    return Detach(PlaceOf(record.name));
  });
  return job->Wait(deadline,
                   core::Refusal(EAGAIN, "volume.busy",
                                 absl::StrCat("volume ", name, " is being unmounted; ask again")));
}

absl::Status Volumes::Remove(const std::string& name) {
  const absl::Time deadline = absl::Now() + kPatience;
  absl::StatusOr<VolumePtr> claimed = Claim(name, "being removed", deadline);
  if (!claimed.ok()) {
    // Whoever lost our answer may ask again.
    absl::MutexLock lock(&mutex_);
    if (core::ErrnoOf(claimed.status()) != ENOENT) return claimed.status();
    for (const LeavingPtr& leaving : leaving_)
      if (leaving->record.name == name) return absl::OkStatus();
    for (const auto& [uuid, record] : removed_)
      if (record.name == name) return absl::OkStatus();
    return claimed.status();
  }
  const VolumePtr volume = *claimed;
  const Record record = RecordOf(*volume);
  if (!record.mount_ids.empty()) {
    Release(volume);
    return core::Refusal(EBUSY, "volume.mounted",
                         absl::StrCat("volume ", name, " is in use by ",
                                      absl::StrJoin(record.mount_ids, ", ")));
  }
  if (record.adopted && !config_.adopt) {
    Release(volume);
    return core::Refusal(
        EPERM, "volume.adopted",
        absl::StrCat("volume ", name, " is a namespace that was not made here; start the plugin "
                     "with --adopt to have it removed, or use ndctl destroy-namespace"));
  }
  std::string error;
  {
    absl::MutexLock lock(&mutex_);
    if (volume->source != nullptr && !volume->source->IsServed()) error = volume->error;
  }
  if (!error.empty()) {
    Release(volume);
    return core::Refusal(EIO, "volume.failed",
                         absl::StrCat("volume ", name, " cannot be removed: ", error));
  }
  const auto job = Start(volume, [this, volume, name](Job& self) -> absl::Status {
    RETURN_IF_ERROR(Detach(PlaceOf(name)));
    auto leaving = std::make_shared<Leaving>();
    {
      absl::MutexLock lock(&mutex_);
      volume->mountpoint.clear();
      *leaving = {.record = volume->record, .source = volume->source, .size = volume->ns.size};
    }
    const bool made = leaving->source != nullptr;  // else there never was a namespace
    if (made) RETURN_IF_ERROR(AwaitRelease(leaving->source->tree().NodePath(volume->ns), kHeld));
    if (!self.Commit())
      return core::Refusal(EAGAIN, "volume.busy", absl::StrCat(name, ": it took too long"));
    leaving->record.state = RecordState::kRemoving;
    if (made) RETURN_IF_ERROR(journal_.Put(leaving->record));
    {
      absl::MutexLock lock(&mutex_);
      volumes_.erase(name);
      own_.insert(leaving->record.uuid);
      if (made) leaving_.push_back(leaving);
      leaving->working = true;
    }
    // There is no such volume any more: what goes wrong from here on is tried again behind.
    if (made) Free(leaving).IgnoreError();
    return absl::OkStatus();
  });
  return job->Wait(deadline,
                   core::Refusal(EAGAIN, "volume.busy",
                                 absl::StrCat("volume ", name, " is being removed; ask again")));
}

absl::StatusOr<std::string> Volumes::Path(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const auto found = volumes_.find(name);
  if (found == volumes_.end()) return NoVolume(name);
  return found->second->mountpoint;
}

absl::StatusOr<VolumeView> Volumes::Get(const std::string& name) {
  const absl::Time deadline = absl::Now() + kPatience;
  LookForNewUntil(deadline);
  Volume volume;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = volumes_.find(name);
    for (const LeavingPtr& leaving : leaving_)
      if (found == volumes_.end() && leaving->record.name == name)
        return core::Refusal(ENOENT, "volume.none",
                             absl::StrCat("volume ", name, " was removed; its bytes are being erased",
                                          " (", leaving->progress, " %)",
                                          leaving->error.empty() ? "" : ": ", leaving->error));
    if (found == volumes_.end()) return NoVolume(name);
    volume = *found->second;
  }
  VolumeView view{.name = name, .mountpoint = volume.mountpoint, .created = volume.record.changed};
  auto status = std::make_shared<Json>();
  auto job = std::make_shared<Job>();
  Spawn([this, volume, status, job] {
    *status = StatusOf(volume);
    job->Finish(absl::OkStatus());
  });
  const absl::Status done =
      job->Wait(deadline, core::Refusal(EAGAIN, "volume.busy", "late"));
  view.status = done.ok() ? *status : Json{{"state", "does not answer"}};
  return view;
}

// A server that hangs must not hang us.
void Volumes::LookForNewUntil(absl::Time deadline) {
  auto job = std::make_shared<Job>();
  Spawn([this, job] {
    LookForNew();
    job->Finish(absl::OkStatus());
  });
  job->Wait(deadline, absl::OkStatus()).IgnoreError();
}

std::vector<VolumeView> Volumes::List() {
  LookForNewUntil(absl::Now() + kPatience);
  absl::MutexLock lock(&mutex_);
  std::vector<VolumeView> views;
  for (const auto& [name, volume] : volumes_)
    views.push_back({.name = name,
                     .mountpoint = volume->mountpoint,
                     .created = volume->record.changed,
                     .status = nullptr});
  return views;
}

Json Volumes::StatusOf(const Volume& volume) {
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
  if (!volume.fstype.empty()) json["fstype"] = volume.fstype;
  json["mounts"] = record.mount_ids;
  json["adopted"] = record.adopted;
  struct statvfs whole = {};
  if (!volume.mountpoint.empty() && !volume.fstype.empty() &&
      statvfs(volume.mountpoint.c_str(), &whole) == 0) {
    json["capacity"] = whole.f_blocks * whole.f_frsize;
    json["used"] = (whole.f_blocks - whole.f_bfree) * whole.f_frsize;
    json["available"] = whole.f_bavail * whole.f_frsize;
  }
  if (volume.source == nullptr) return json;
  json["source"] = volume.source->path();
  json["namespace"] = volume.ns.device;
  json["node"] = volume.ns.node;
  json["uuid"] = record.uuid;
  json["server"] = volume.source->IsServed() ? "serving" : "does not answer";
  json["health"] = volume.source->IsServed() && volume.error.empty() ? "good" : "failed";
  const auto regions = volume.source->tree().Regions();
  if (!regions.ok()) return json;
  for (const DeviceTree::Region& region : *regions) {
    if (region.device != volume.ns.region) continue;
    json["region"] = {{"name", region.device},
                      {"size", region.size},
                      {"available", region.available},
                      {"bad_sectors", region.bad_sectors},
                      {"read_only", region.read_only}};
    if (region.bad_sectors > 0 && json["health"] == "good") json["health"] = "bad sectors";
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
    if (record.mount_ids.empty()) {
      if (Detach(place).ok()) continue;
    } else if (const int top = open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); top >= 0) {
      syncfs(top);
      close(top);
    }
    needed.insert(volume->source);
  }
  for (const auto& source : sources_)
    if (needed.count(source.get()) == 0) source->Stop().IgnoreError();
}

Volumes::~Volumes() {
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(+[](int* jobs) { return *jobs == 0; }, &jobs_));
  }
  close(lock_);
}

}  // namespace nvdimmfs::volumes
