// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/volume_table.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

absl::Status Busy(const Volume& volume) {
  return core::Refusal(
      EAGAIN, "volume.busy",
      absl::StrCat("volume ", volume.record.name, " is ", volume.doing,
                   volume.progress >= 0 ? absl::StrCat(" (", volume.progress, " %)") : "",
                   "; try again"));
}

}  // namespace

absl::Status VolumeTable::NoVolume(absl::string_view name) {
  return core::Refusal(ENOENT, "volume.none", absl::StrCat("there is no volume ", name));
}

absl::StatusOr<ClaimedVolume> VolumeTable::Claim(absl::string_view name, absl::string_view doing,
                                                 absl::Time deadline) {
  absl::MutexLock lock(&map_.mutex);
  const auto is_settled = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(map_.mutex) {
    const auto found = map_.by_name.find(name);
    return found == map_.by_name.end() || found->second->is_idle();
  };
  map_.mutex.AwaitWithDeadline(absl::Condition(&is_settled), deadline);
  const auto found = map_.by_name.find(name);
  if (found == map_.by_name.end()) return NoVolume(name);
  Volume& volume = *found->second;
  if (!volume.is_idle()) return Busy(volume);
  volume.doing = std::string(doing);
  return ClaimOf(found->second, found->first);
}

std::optional<ClaimedVolume> VolumeTable::Add(Volume volume) {
  auto added = std::make_shared<Volume>(std::move(volume));
  const std::string name = added->record.name;
  absl::MutexLock lock(&map_.mutex);
  if (!map_.by_name.emplace(name, added).second) return std::nullopt;
  ClaimedVolume claim = ClaimOf(std::move(added), name);
  claim.ForgetWhenReleased();
  return claim;
}

void VolumeTable::CancelMaking(absl::string_view name) {
  absl::MutexLock lock(&map_.mutex);
  const auto found = map_.by_name.find(name);
  if (found != map_.by_name.end() && found->second->is_being_made)
    found->second->is_cancelled = true;
}

std::optional<Volume> VolumeTable::Find(absl::string_view name) const {
  absl::MutexLock lock(&map_.mutex);
  const auto found = map_.by_name.find(name);
  if (found == map_.by_name.end()) return std::nullopt;
  return *found->second;
}

std::vector<Volume> VolumeTable::All() const {
  std::vector<Volume> all;
  ForEach([&](const Volume& volume) { all.push_back(volume); });
  return all;
}

void VolumeTable::Schedule(absl::FunctionRef<void(Volume&)> visit) {
  absl::MutexLock lock(&map_.mutex);
  for (const auto& [name, volume] : map_.by_name) visit(*volume);
}

void VolumeTable::ForEach(absl::FunctionRef<void(const Volume&)> visit) const {
  absl::MutexLock lock(&map_.mutex);
  for (const auto& [name, volume] : map_.by_name) visit(*volume);
}

}  // namespace nvdimmfs::volumes
