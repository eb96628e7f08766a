// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/volume_maker.h"

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "backends/posix/loop_device.h"
#include "core/base/status.h"
#include "core/base/uuid.h"
#include "tools/volumes/attachment.h"
#include "tools/volumes/file_system.h"
#include "tools/volumes/volume_name.h"

namespace nvdimmfs::volumes {
namespace {

// How long a killed predecessor's mkfs may take to exit.
constexpr absl::Duration kPredecessor = absl::Seconds(60);

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

}  // namespace

absl::StatusOr<std::vector<VolumeMaker::Target>> VolumeMaker::Targets(const Record& record) const {
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
      absl::StrAppend(&known_regions, known_regions.empty() ? "; known regions: " : ", ", name);
      if (!wanted.empty() && wanted != region.device && wanted != name) continue;
      known = true;
      if (region.read_only) {
        absl::StrAppend(&room, "; ", name, " is read-only");
        continue;
      }
      // A region without labels is one namespace. Its blank label area is only taken into use if
      // that destroys no data.
      const bool fresh = !region.labelled && source->tree().IsBlank(region);
      const uint64_t largest = region.labelled ? region.largest : fresh ? region.size : 0;
      if (largest >= RoundUp(record.options.size, region.align))
        targets.push_back({source.get(), region});
      else if (region.labelled || fresh)
        absl::StrAppend(&room, "; ", name, " has ", region.available,
                        " bytes free, its largest free extent has ", largest);
      else
        absl::StrAppend(&room, "; ", name, " has no labels and is not blank");
    }
  }
  if (!known)
    return core::Refusal(ENODEV, "volume.region",
                         absl::StrCat("region=", wanted, ": no such region", known_regions));
  if (!targets.empty()) return targets;
  uint64_t leaving = 0;
  for (const Reclaimer::Leaving& one : reclaimer_.All()) leaving += one.ns.size;
  return core::Refusal(
      ENOSPC, "volume.room",
      absl::StrCat("no room for the ", record.options.size, " bytes of volume ", record.name, room,
                   leaving > 0 ? absl::StrCat("; ", leaving, " are still being erased") : ""));
}

absl::Status VolumeMaker::Allocate(ClaimedVolume& volume) {
  absl::MutexLock one_at_a_time(&allocation_);
  ASSIGN_OR_RETURN(const std::vector<Target> targets, Targets(volume.record()));
  absl::Status refused;
  for (const Target& target : targets) {
    RETURN_IF_ERROR(volume.PutRecord([&](Record& record) {
      record.uuid = core::Uuid::Random().ToString();
      record.source = target.source->path();
      record.state = RecordState::kCreating;
    }));
    const Record record = volume.record();
    own_.Add(record.uuid);
    DeviceTree& tree = target.source->tree();
    const absl::StatusOr<std::string> device =
        tree.Create(target.region.device,
                    CreateLine(record, RoundUp(record.options.size, target.region.align)));
    refused = device.status();
    if (refused.ok()) {
      ASSIGN_OR_RETURN(const DeviceTree::Namespace ns, tree.Find(record.uuid, *device));
      volume.Change([&](Volume& changed) {
        changed.ns = ns;
        changed.source = target.source;
      });
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(DestroyNamespace(tree, record.uuid, ""));
    RETURN_IF_ERROR(journal_.Drop(record.uuid));
  }
  return refused;
}

absl::Status VolumeMaker::Make(ClaimedVolume& volume, Job& job) {
  RETURN_IF_ERROR(Allocate(volume));
  absl::Status status = job.Commit() ? absl::OkStatus()
                                     : core::Refusal(ECANCELED, "volume.cancelled",
                                                     "the caller does not wait any more");
  if (status.ok())
    status = volume.PutRecord([](Record& record) { record.state = RecordState::kFormatting; });
  if (status.ok()) status = Fill(volume);
  if (!status.ok()) status.Update(Unmake(volume));
  return status;
}

absl::Status VolumeMaker::MakeContent(ClaimedVolume& volume) {
  absl::Status status = Fill(volume);
  if (!volume.CheckNotCancelled().ok()) status = Unmake(volume);
  volume.Change([&](Volume& changed) {
    changed.is_being_made = false;
    changed.error = std::string(status.message());
  });
  const Volume seen = volume.Copy();
  if (seen.is_cancelled && seen.source == nullptr) volume.ForgetWhenReleased();
  return status;
}

absl::Status VolumeMaker::Unmake(ClaimedVolume& volume) {
  const Volume seen = volume.Copy();
  RETURN_IF_ERROR(Detach(directory_.PlaceOf(volume.name())));
  RETURN_IF_ERROR(DestroyNamespace(seen.source->tree(), seen.record.uuid, seen.ns.device));
  RETURN_IF_ERROR(journal_.Drop(seen.record.uuid));
  volume.Change([](Volume& changed) { changed.source = nullptr; });
  return absl::OkStatus();
}

absl::Status VolumeMaker::Fill(ClaimedVolume& volume) {
  const Volume seen = volume.Copy();
  const VolumeOptions& options = seen.record.options;
  volume.SetDoing(options.has_file_system() ? "being formatted" : "being cleared");
  RETURN_IF_ERROR(volume.CheckNotCancelled());
  if (options.has_file_system()) {
    RETURN_IF_ERROR(FillWithFileSystem(volume));
  } else if (options.mode == VolumeMode::kRaw) {
    // The bytes may be left from an earlier owner. (A new BTT reads as zeros.)
    RETURN_IF_ERROR(seen.source->tree().Clear(seen.ns, [&](int progress) {
      bool is_cancelled = false;
      volume.Change([&](Volume& changed) {
        changed.progress = progress;
        is_cancelled = changed.is_cancelled;
      });
      return !is_cancelled;
    }));
  }
  volume.Change(
      [&](Volume& changed) { changed.fstype = options.has_file_system() ? options.fstype : ""; });
  return volume.PutRecord([](Record& ready) { ready.state = RecordState::kReady; });
}

absl::Status VolumeMaker::FillWithFileSystem(ClaimedVolume& volume) {
  const Volume seen = volume.Copy();
  const VolumeOptions& options = seen.record.options;
  DeviceTree& tree = seen.source->tree();
  const std::string node = tree.NodePath(seen.ns);
  RETURN_IF_ERROR(CheckFileSystemFits(seen.ns.capacity, options));
  ASSIGN_OR_RETURN(const uint64_t holders, tree.CountHolders(seen.ns));
  if (holders > 0) RETURN_IF_ERROR(AwaitRelease(node, kPredecessor));
  ASSIGN_OR_RETURN(const posix::LoopDevice loop,
                   posix::LoopDevice::Attach(node, seen.ns.sector_size, false, false));
  RETURN_IF_ERROR(MakeFileSystem(loop.path(), options));
  RETURN_IF_ERROR(volume.CheckNotCancelled());
  Attachment furnished{.place = directory_.PlaceOf(volume.name()),
                       .node = node,
                       .loop = loop.path(),
                       .sector_size = seen.ns.sector_size,
                       .fstype = options.fstype,
                       .options = options};
  furnished.options.read_only = false;
  RETURN_IF_ERROR(Attach(furnished));
  const absl::Status status = FurnishFileSystem(furnished.place, options);
  RETURN_IF_ERROR(Detach(furnished.place));
  return status;
}

}  // namespace nvdimmfs::volumes
