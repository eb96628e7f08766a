// Volumes: what takes time. Each function here runs on a thread that has claimed its volume.
#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status.h"
#include "core/base/uuid.h"
#include "tools/volumes/attachment.h"
#include "tools/volumes/file_system.h"
#include "tools/volumes/loop_device.h"
#include "tools/volumes/mount_table.h"
#include "tools/volumes/volume_name.h"
#include "tools/volumes/volumes.h"

namespace nvdimmfs::volumes {
namespace {

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

absl::Status Destroy(DeviceTree& tree, const std::string& uuid) {
  const absl::Time end = absl::Now() + kHeld;
  while (true) {
    const absl::StatusOr<DeviceTree::Namespace> ns = tree.Find(uuid);
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
    return core::Refusal(ENODEV, "volume.region",
                         absl::StrCat("region=", wanted, ": there is no such region"));
  if (!targets.empty()) return targets;
  uint64_t leaving = 0;
  {
    absl::MutexLock lock(&mutex_);
    for (const LeavingPtr& one : leaving_) leaving += one->size;
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
    refused =
        tree.Create(target.region.device,
                    CreateLine(record, RoundUp(record.options.size, target.region.align)));
    if (refused.ok()) {
      ASSIGN_OR_RETURN(const DeviceTree::Namespace ns, tree.Find(record.uuid));
      absl::MutexLock lock(&mutex_);
      volume->ns = ns;
      volume->source = target.source;
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Destroy(tree, record.uuid));
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
  RETURN_IF_ERROR(Destroy(volume->source->tree(), record.uuid));
  RETURN_IF_ERROR(journal_.Drop(record.uuid));
  absl::MutexLock lock(&mutex_);
  volume->source = nullptr;
  return absl::OkStatus();
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
  if (options.has_file_system()) {
    // A predecessor's mkfs was killed with it, and may be on its way out still.
    RETURN_IF_ERROR(AwaitRelease(tree.NodePath(ns), kPredecessor));
    {
      ASSIGN_OR_RETURN(const LoopDevice loop,
                       LoopDevice::Attach(tree.NodePath(ns), ns.sector_size, false));
      RETURN_IF_ERROR(MakeFileSystem(loop.path(), options));
    }
    Attachment furnished{.place = PlaceOf(record.name),
                         .node = tree.NodePath(ns),
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
    }));
  }
  {
    absl::MutexLock lock(&mutex_);
    volume->fstype = options.has_file_system() ? options.fstype : "";
  }
  return PutRecord(volume, [](Record& ready) { ready.state = RecordState::kReady; });
}

absl::Status Volumes::AttachVolume(const VolumePtr& volume) {
  Attachment attachment;
  DeviceTree::Namespace ns;
  {
    absl::MutexLock lock(&mutex_);
    ns = volume->ns;
    attachment.place = PlaceOf(volume->record.name);
    attachment.fstype = volume->fstype;
    attachment.options = volume->record.options;
    attachment.sector_size = ns.sector_size;
  }
  attachment.node = volume->source->tree().NodePath(ns);
  if (!IsAttached(attachment)) {
    RETURN_IF_ERROR(UnmountTree(attachment.place));
    RETURN_IF_ERROR(Attach(attachment));
  }
  absl::MutexLock lock(&mutex_);
  volume->mountpoint = attachment.place;
  return absl::OkStatus();
}

absl::Status Volumes::Free(const LeavingPtr& leaving) {
  Record record = leaving->record;  // does not change any more
  DeviceTree& tree = leaving->source->tree();
  absl::Status status;
  if (record.options.erase) {
    status = tree.Erase(record.uuid, [&](int progress) {
      absl::MutexLock lock(&mutex_);
      leaving->progress = progress;
    });
    if (core::ErrnoOf(status) == ENODEV) status = absl::OkStatus();  // freed already
  }
  if (status.ok()) status = Destroy(tree, record.uuid);
  record.state = RecordState::kRemoved;
  record.changed = absl::ToUnixSeconds(absl::Now());
  if (status.ok()) status = journal_.Put(record);
  absl::MutexLock lock(&mutex_);
  leaving->working = false;
  leaving->error = std::string(status.message());
  if (status.ok()) {
    removed_[record.uuid] = record;
    leaving_.erase(std::remove(leaving_.begin(), leaving_.end(), leaving), leaving_.end());
  } else {
    fprintf(stderr, "nvdimmfs-volumes: remove %s: %s; this is tried again\n", record.name.c_str(),
            leaving->error.c_str());
  }
  return status;
}

void Volumes::StartFreeing(const LeavingPtr& leaving) {
  {
    absl::MutexLock lock(&mutex_);
    if (leaving->working) return;
    leaving->working = true;
  }
  Spawn([this, leaving] { Free(leaving).IgnoreError(); });
}

}  // namespace nvdimmfs::volumes
