// Volumes: what takes time. Each function here runs on a thread that has claimed its volume.
#include <algorithm>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "backends/posix/loop_device.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/base/uuid.h"
#include "tools/volumes/attachment.h"
#include "tools/volumes/file_system.h"
#include "tools/volumes/mount_table.h"
#include "tools/volumes/volume_name.h"
#include "tools/volumes/volumes.h"

namespace nvdimmfs::volumes {
namespace {

using core::Log;
using core::LogLevel;

// How long a node may stay open after its last user: the kernel lets go of it behind.
constexpr absl::Duration kHeld = absl::Seconds(3);
constexpr absl::Duration kPredecessor = absl::Seconds(60);
constexpr absl::Duration kPause = absl::Milliseconds(20);

uint64_t RoundUp(uint64_t value, uint64_t to) {
  const uint64_t over = value % to;
  return over == 0 ? value : value > UINT64_MAX - to ? UINT64_MAX : value + (to - over);
}

std::string CreateLine(const Record& record, uint64_t size) {
  const VolumeOptions& options = record.options;
  std::string line = absl::StrCat("size=", size, " mode=", options.namespace_mode(),
                                  " name=", LabelName(record.name), " uuid=", record.uuid);
  if (options.sector_size) absl::StrAppend(&line, " sector_size=", *options.sector_size);
  if (options.align) absl::StrAppend(&line, " align=", *options.align);
  return line;
}

absl::Status Destroy(DeviceTree& tree, const std::string& uuid, const std::string& device) {
  const absl::Time end = absl::Now() + kHeld;
  while (true) {
    const absl::StatusOr<DeviceTree::Namespace> ns = tree.Find(uuid, device);
    if (core::ErrnoOf(ns.status()) == ENODEV) return absl::OkStatus();
    if (!ns.ok()) return ns.status();
    const absl::Status status = tree.Destroy(*ns);
    if (core::ErrnoOf(status) != EBUSY || absl::Now() > end) return status;
    absl::SleepFor(kPause);
  }
}

}  // namespace

absl::StatusOr<std::vector<Volumes::Target>> Volumes::Targets(const Record& record) {
  const std::string& wanted = record.options.region;
  std::vector<Target> targets;
  std::string room;
  bool known = wanted.empty();
  std::string known_regions;
  for (const auto& source : sources_) {
    const auto regions = source->tree().Regions();
    if (!regions.ok()) {
      const std::string trouble = source->trouble();
      absl::StrAppend(&room, "; ", source->name(), ": ",
                      trouble.empty() ? regions.status().message() : trouble);
      continue;
    }
    for (const DeviceTree::Region& region : *regions) {
      const std::string name = absl::StrCat(source->name(), "/", region.device);
      absl::StrAppend(&known_regions, known_regions.empty() ? "; there are: " : ", ", name);
      if (!wanted.empty() && wanted != region.device && wanted != name) continue;
      known = true;
      if (region.read_only) {
        absl::StrAppend(&room, "; ", name, " is read-only");
        continue;
      }
      // Without labels it is one namespace; a blank label area is taken into use if nothing of
      // somebody's is lost with that.
      const bool fresh = !region.labelled && source->tree().IsBlank(region);
      const uint64_t largest = region.labelled ? region.largest : fresh ? region.size : 0;
      if (largest >= RoundUp(record.options.size, region.align))
        targets.push_back({source.get(), region});
      else if (region.labelled || fresh)
        absl::StrAppend(&room, "; ", name, " has ", region.available, " free, ", largest,
                        " in one piece");
      else
        absl::StrAppend(&room, "; ", name, " has no labels, and data in it");
    }
  }
  if (!known)
    return core::Refusal(
        ENODEV, "volume.region",
        absl::StrCat("region=", wanted, ": there is no such region", known_regions));
  if (!targets.empty()) return targets;
  uint64_t leaving = 0;
  {
    absl::MutexLock lock(&mutex_);
    for (const LeavingPtr& one : leaving_) leaving += one->ns.size;
  }
  return core::Refusal(
      ENOSPC, "volume.room",
      absl::StrCat("no room for the ", record.options.size, " bytes of volume ", record.name, room,
                   leaving > 0 ? absl::StrCat("; ", leaving, " are still being erased") : ""));
}

absl::Status Volumes::Allocate(const VolumePtr& volume) {
  absl::MutexLock one_at_a_time(&allocation_);
  ASSIGN_OR_RETURN(const std::vector<Target> targets, Targets(RecordOf(*volume)));
  absl::Status refused;
  for (const Target& target : targets) {
    RETURN_IF_ERROR(PutRecord(volume, [&](Record& record) {
      record.uuid = core::Uuid::Random().ToString();
      record.source = target.source->path();
      record.state = RecordState::kCreating;
    }));
    const Record record = RecordOf(*volume);
    {
      absl::MutexLock lock(&mutex_);
      own_.insert(record.uuid);
    }
    DeviceTree& tree = target.source->tree();
    const absl::StatusOr<std::string> device =
        tree.Create(target.region.device,
                    CreateLine(record, RoundUp(record.options.size, target.region.align)));
    refused = device.status();
    if (refused.ok()) {
      ASSIGN_OR_RETURN(const DeviceTree::Namespace ns, tree.Find(record.uuid, *device));
      absl::MutexLock lock(&mutex_);
      volume->ns = ns;
      volume->source = target.source;
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Destroy(tree, record.uuid, ""));
    RETURN_IF_ERROR(journal_.Drop(record.uuid));
  }
  return refused;
}

// All or nothing.
absl::Status Volumes::Make(const VolumePtr& volume, Job& job) {
  RETURN_IF_ERROR(Allocate(volume));
  absl::Status status = job.Commit() ? absl::OkStatus() : absl::CancelledError("nobody waits");
  if (status.ok())
    status = PutRecord(volume, [](Record& record) { record.state = RecordState::kFormatting; });
  if (status.ok()) status = Fill(volume);
  if (!status.ok()) status.Update(Unmake(volume));
  return status;
}

absl::Status Volumes::Unmake(const VolumePtr& volume) {
  const Record record = RecordOf(*volume);
  RETURN_IF_ERROR(Detach(PlaceOf(record.name)));
  std::string device;
  {
    absl::MutexLock lock(&mutex_);
    device = volume->ns.device;
  }
  RETURN_IF_ERROR(Destroy(volume->source->tree(), record.uuid, device));
  RETURN_IF_ERROR(journal_.Drop(record.uuid));
  absl::MutexLock lock(&mutex_);
  volume->source = nullptr;
  return absl::OkStatus();
}

// Refused with ECANCELED where the volume was removed meanwhile.
absl::Status Volumes::GoOn(const VolumePtr& volume) {
  absl::MutexLock lock(&mutex_);
  if (!volume->is_cancelled) return absl::OkStatus();
  return core::Refusal(
      ECANCELED, "volume.cancelled",
      absl::StrCat("volume ", volume->record.name, " was removed while it was being made"));
}

absl::Status Volumes::Fill(const VolumePtr& volume) {
  const Record record = RecordOf(*volume);
  const VolumeOptions& options = record.options;
  DeviceTree::Namespace ns;
  {
    absl::MutexLock lock(&mutex_);
    volume->doing = options.has_file_system() ? "being formatted" : "being cleared";
    ns = volume->ns;
  }
  DeviceTree& tree = volume->source->tree();
  RETURN_IF_ERROR(GoOn(volume));
  if (options.has_file_system()) {
    RETURN_IF_ERROR(CheckFileSystemFits(ns.capacity, options));
    // A predecessor's mkfs was killed with it, and may be on its way out still.
    ASSIGN_OR_RETURN(const uint64_t holders, tree.CountHolders(ns));
    if (holders > 0) RETURN_IF_ERROR(AwaitRelease(tree.NodePath(ns), kPredecessor));
    ASSIGN_OR_RETURN(const posix::LoopDevice loop,
                     posix::LoopDevice::Attach(tree.NodePath(ns), ns.sector_size, false, false));
    RETURN_IF_ERROR(MakeFileSystem(loop.path(), options));
    RETURN_IF_ERROR(GoOn(volume));
    Attachment furnished{.place = PlaceOf(record.name),
                         .node = tree.NodePath(ns),
                         .loop = loop.path(),
                         .sector_size = ns.sector_size,
                         .fstype = options.fstype,
                         .options = options};
    furnished.options.read_only = false;
    RETURN_IF_ERROR(Attach(furnished));
    const absl::Status status = FurnishFileSystem(furnished.place, options);
    RETURN_IF_ERROR(Detach(furnished.place));
    RETURN_IF_ERROR(status);
  } else if (options.mode == VolumeMode::kRaw) {
    // What the bytes were before is nobody's business. (A new BTT reads as zeros.)
    RETURN_IF_ERROR(tree.Clear(ns, [&](int progress) {
      absl::MutexLock lock(&mutex_);
      volume->progress = progress;
      return !volume->is_cancelled;
    }));
  }
  {
    absl::MutexLock lock(&mutex_);
    volume->fstype = options.has_file_system() ? options.fstype : "";
  }
  return PutRecord(volume, [](Record& ready) { ready.state = RecordState::kReady; });
}

Attachment Volumes::AttachmentOf(const Volume& volume) const {
  return {.place = PlaceOf(volume.record.name),
          .node = volume.source->tree().NodePath(volume.ns),
          .sector_size = volume.ns.sector_size,
          .fstype = volume.fstype,
          .folder = FolderName(volume.record.uuid),
          .options = volume.record.options};
}

absl::Status Volumes::AttachVolume(const VolumePtr& volume) {
  Attachment attachment;
  Volume seen;
  {
    absl::MutexLock lock(&mutex_);
    seen = *volume;
    attachment = AttachmentOf(seen);
  }
  if (!IsAttached(attachment)) {
    ASSIGN_OR_RETURN(const uint64_t holders, seen.source->tree().CountHolders(seen.ns));
    attachment.is_held = holders > 0;
    RETURN_IF_ERROR(UnmountTree(attachment.place));
    RETURN_IF_ERROR(Attach(attachment));
  }
  absl::MutexLock lock(&mutex_);
  volume->mountpoint = attachment.place;
  return absl::OkStatus();
}

absl::Status Volumes::Free(const LeavingPtr& leaving) {
  const Record record = leaving->record;  // does not change any more
  DeviceTree& tree = leaving->source->tree();
  absl::Status status;
  if (record.options.erase) {
    status = tree.Erase(record.uuid, leaving->ns.device, [&](int progress) {
      absl::MutexLock lock(&mutex_);
      leaving->progress = progress;
      return true;
    });
    if (core::ErrnoOf(status) == ENODEV) status = absl::OkStatus();  // freed already
  }
  if (status.ok()) status = Destroy(tree, record.uuid, leaving->ns.device);
  if (status.ok()) status = journal_.Drop(record.uuid);
  absl::MutexLock lock(&mutex_);
  leaving->working = false;
  leaving->error = std::string(status.message());
  if (status.ok()) {
    freed_[record.uuid] = absl::Now();
    leaving_.erase(std::remove(leaving_.begin(), leaving_.end(), leaving), leaving_.end());
    Log(LogLevel::kInfo, "volume.freed",
        absl::StrCat("the ", leaving->ns.size, " bytes of volume ", record.name,
                     " are free again"));
  } else {
    Log(LogLevel::kWarning, core::ReasonOf(status),
        absl::StrCat("remove ", record.name, ": ", leaving->error, "; this is tried again"));
  }
  return status;
}

void Volumes::StartFreeing(const LeavingPtr& leaving) {
  {
    absl::MutexLock lock(&mutex_);
    if (leaving->working) return;
    leaving->working = true;
  }
  if (Spawn([this, leaving] { Free(leaving).IgnoreError(); })) return;
  absl::MutexLock lock(&mutex_);
  leaving->working = false;
}

}  // namespace nvdimmfs::volumes
