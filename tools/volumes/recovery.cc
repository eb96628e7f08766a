// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/recovery.h"

#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "backends/posix/folder.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "tools/volumes/attachment.h"

namespace nvdimmfs::volumes {
namespace {

void Note(absl::string_view sentence) {
  core::Log(core::LogLevel::kNotice, "volumes.recovery", std::string(sentence));
}

constexpr char kDoing[] = "being recovered";

}  // namespace

absl::StatusOr<std::vector<Record>> Recovery::LoadRecords() {
  ASSIGN_OR_RETURN(Journal::Content journal, parts_.journal.Load());
  for (const std::string& complaint : journal.complaints) Note(complaint);
  const std::string boot_id = BootId();
  std::set<std::string> ready;
  for (Record& record : journal.records) {
    if (!record.adopted) parts_.own.Add(record.uuid);
    if (record.state == RecordState::kReady) ready.insert(record.name);
    if (record.boot_id == boot_id) continue;
    record.mount_ids.clear();
    record.seen_in_use = false;
  }
  const auto mounted = posix::ReadFolder(parts_.directory.volumes());
  for (const std::string& name : mounted.value_or(std::vector<std::string>()))
    if (ready.count(name) == 0)
      if (const absl::Status status = Detach(parts_.directory.PlaceOf(name)); !status.ok())
        Note(status.message());
  return std::move(journal.records);
}

absl::Status Recovery::Recover(const std::vector<Record>& records, const FoundNamespaces& found) {
  for (const Record& record : records) RETURN_IF_ERROR(RecoverRecord(record, found));
  return absl::OkStatus();
}

absl::Status Recovery::RecoverPostponed(const FoundNamespaces& found) {
  return Recover(std::exchange(postponed_, {}), found);
}

absl::Status Recovery::RecoverRecord(const Record& record, const FoundNamespaces& found) {
  if (record.state == RecordState::kRemoved) return parts_.journal.Drop(record.uuid);
  const auto at = found.by_uuid.find(record.uuid);
  if (at == found.by_uuid.end()) return RecoverLost(record, found);
  Source& source = *at->second.first;
  const DeviceTree::Namespace& ns = at->second.second;
  switch (record.state) {
    case RecordState::kCreating:
      RETURN_IF_ERROR(source.tree().Destroy(ns));
      Note(absl::StrCat("volume ", record.name, " was half made; destroyed its namespace"));
      return parts_.journal.Drop(record.uuid);
    case RecordState::kFormatting:
      if (auto volume = parts_.volumes.Add(source, record, ns, kDoing)) {
        Note(absl::StrCat("volume ", record.name, " was half made; making its content again"));
        MakeContentAgain(*std::move(volume));
      }
      break;
    case RecordState::kReady:
      RecoverReady(record, source, ns);
      break;
    case RecordState::kRemoving: {
      const Reclaimer::LeavingPtr leaving = parts_.reclaimer.Add(record, source, ns);
      parts_.background.Spawn([&reclaimer = parts_.reclaimer, leaving] {
        reclaimer.Reclaim(leaving);
      });  // without a thread, it is tried again
      break;
    }
    case RecordState::kRemoved:
      break;
  }
  return absl::OkStatus();
}

void Recovery::RecoverReady(const Record& record, Source& source, const DeviceTree::Namespace& ns) {
  std::optional<ClaimedVolume> volume = parts_.volumes.Add(source, record, ns, kDoing);
  if (!volume) return;
  if (record.mount_ids.empty()) {
    AdoptMount(*volume);
  } else if (const absl::Status status = parts_.mounts.Mount(*volume); !status.ok()) {
    Note(absl::StrCat("mount volume ", record.name, " again: ", status.message()));
  }
}

// The volume has no mount ids. If it is mounted nevertheless, it is unmounted: now, or when its
// last user is gone.
void Recovery::AdoptMount(ClaimedVolume& volume) {
  const std::string place = parts_.directory.PlaceOf(volume.name());
  struct stat stat = {};
  if (lstat(place.c_str(), &stat) != 0 && errno == ENOENT) return;
  absl::Status status;
  if (!parts_.mounts.IsMounted(volume.Copy())) {
    status = Detach(place);
  } else {
    status = parts_.mounts.LetGo(volume, absl::ZeroDuration());
    if (core::ErrnoOf(status) == EBUSY)
      volume.Change([&](Volume& changed) { changed.mountpoint = place; });
  }
  if (!status.ok()) Note(status.message());
}

Source* Recovery::SourceOf(const Record& record) const {
  for (const auto& source : parts_.sources)
    if (source->path() == record.source) return source.get();
  return nullptr;
}

absl::Status Recovery::RecoverLost(const Record& record, const FoundNamespaces& found) {
  Source* const source = SourceOf(record);
  if (source != nullptr && found.sources.count(source) > 0) {
    Note(absl::StrCat("volume ", record.name, " (", StateName(record.state),
                      "): its namespace is gone; dropping its record"));
    return parts_.journal.Drop(record.uuid);
  }
  const bool is_volume =
      record.state == RecordState::kReady || record.state == RecordState::kFormatting;
  if (source == nullptr || !is_volume) {  // not given this time, or by another name, or not served
    postponed_.push_back(record);
    return absl::OkStatus();
  }
  if (auto volume = parts_.volumes.Add(*source, record, {}, kDoing))
    volume->Change([&](Volume& changed) { changed.error = source->Unserved(source->trouble()); });
  return absl::OkStatus();
}

void Recovery::Restore(ClaimedVolume volume, const absl::StatusOr<FoundNamespaces>& found) {
  const Record record = volume.record();
  absl::Status status = found.status();
  if (found.ok()) {
    const auto at = found->by_uuid.find(record.uuid);
    status = at != found->by_uuid.end()
                 ? parts_.volumes.Update(volume, at->second.second)
                 : core::Refusal(ENODEV, "volume.lost",
                                 absl::StrCat("its namespace with uuid ", record.uuid, " is gone"));
  }
  volume.Change([&](Volume& changed) {
    changed.mountpoint.clear();
    changed.error = std::string(status.message());
  });
  if (!status.ok()) return;
  if (record.state == RecordState::kFormatting) return MakeContentAgain(std::move(volume));
  if (record.mount_ids.empty()) return;
  if (const absl::Status mounted = parts_.mounts.Mount(volume); !mounted.ok())
    Note(absl::StrCat("mount volume ", record.name, " again: ", mounted.message()));
}

void Recovery::MakeContentAgain(ClaimedVolume volume) {
  volume.Change([](Volume& changed) {
    changed.doing = "being formatted";
    changed.is_being_made = true;
  });
  parts_.background.Run([&maker = parts_.maker, volume = std::move(volume)]() mutable {
    core::LogRefusal(core::LogLevel::kError, maker.MakeContent(volume));
  });
}

}  // namespace nvdimmfs::volumes
