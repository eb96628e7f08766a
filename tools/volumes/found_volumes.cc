// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/found_volumes.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/file_system.h"
#include "tools/volumes/volume_name.h"

namespace nvdimmfs::volumes {
namespace {

std::string FileSystemOf(const Record& record, Source& source, const DeviceTree::Namespace& ns) {
  if (ns.node.empty()) return "";
  if (record.adopted) return FindFileSystem(source.tree().NodePath(ns));
  return record.options.has_file_system() ? record.options.fstype : "";
}

absl::Status CheckEnabled(const DeviceTree::Namespace& ns) {
  if (!ns.node.empty()) return absl::OkStatus();
  return core::Refusal(ENXIO, "volume.disabled",
                       absl::StrCat(ns.device, " is disabled, or is not a block device"));
}

}  // namespace

std::optional<ClaimedVolume> FoundVolumes::Add(Source& source, const Record& record,
                                               const DeviceTree::Namespace& ns,
                                               absl::string_view doing) {
  Volume volume;
  volume.record = record;
  volume.source = &source;
  volume.ns = ns;
  volume.fstype = FileSystemOf(record, source, ns);
  volume.doing = std::string(doing);
  volume.error = std::string(CheckEnabled(ns).message());
  std::optional<ClaimedVolume> added = table_.Add(std::move(volume));
  if (added) {
    added->ForgetWhenReleased(false);
    return added;
  }
  absl::MutexLock lock(&mutex_);
  if (noted_.insert(source.path() + record.uuid).second)
    core::Log(core::LogLevel::kNotice, "volumes.recovery",
              absl::StrCat(source.path(), ", ", ns.device, ": ignored: its name is that of volume ",
                           record.name, ", which is another namespace"));
  return std::nullopt;
}

void FoundVolumes::AddForeign(Source& source, const DeviceTree::Namespace& ns) {
  if (ns.mode == "devdax" || !CheckLabelName(ns.label_name).ok()) return;
  Record record{.uuid = ns.uuid,
                .name = ns.label_name,
                .source = source.path(),
                .state = RecordState::kReady,
                .adopted = true};
  record.options.size = ns.size;
  // A volume of mode fsdax is a file system. Its bytes tell whether there is one here.
  record.options.mode = ns.mode == "sector" ? VolumeMode::kSector : VolumeMode::kRaw;
  Add(source, record, ns, "being added");
}

absl::Status FoundVolumes::Update(ClaimedVolume& volume, const DeviceTree::Namespace& ns) {
  const Volume seen = volume.Copy();
  const std::string fstype = FileSystemOf(seen.record, *seen.source, ns);
  volume.Change([&](Volume& changed) {
    changed.ns = ns;
    changed.fstype = fstype;
  });
  return CheckEnabled(ns);
}

}  // namespace nvdimmfs::volumes
