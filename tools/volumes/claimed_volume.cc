// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/claimed_volume.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {

ClaimedVolume::ClaimedVolume(ClaimedVolume&& other) noexcept
    : map_(other.map_),
      journal_(other.journal_),
      volume_(std::exchange(other.volume_, nullptr)),
      name_(std::move(other.name_)),
      forgets_(other.forgets_) {}

ClaimedVolume& ClaimedVolume::operator=(ClaimedVolume&& other) noexcept {
  if (this == &other) return *this;
  Release();
  map_ = other.map_;
  journal_ = other.journal_;
  volume_ = std::exchange(other.volume_, nullptr);
  name_ = std::move(other.name_);
  forgets_ = other.forgets_;
  return *this;
}

Volume ClaimedVolume::Copy() const {
  absl::MutexLock lock(&map_->mutex);
  return *volume_;
}

Record ClaimedVolume::record() const {
  absl::MutexLock lock(&map_->mutex);
  return volume_->record;
}

absl::Status ClaimedVolume::CheckNotCancelled() const {
  absl::MutexLock lock(&map_->mutex);
  if (!volume_->is_cancelled) return absl::OkStatus();
  return core::Refusal(
      ECANCELED, "volume.cancelled",
      absl::StrCat("create volume ", name_, ": it was removed before it was ready"));
}

void ClaimedVolume::Change(absl::FunctionRef<void(Volume&)> change) {
  absl::MutexLock lock(&map_->mutex);
  change(*volume_);
}

void ClaimedVolume::SetDoing(absl::string_view doing) {
  Change([&](Volume& volume) { volume.doing = std::string(doing); });
}

absl::Status ClaimedVolume::PutRecord(absl::FunctionRef<void(Record&)> change) {
  Record changed = record();
  change(changed);
  RETURN_IF_ERROR(journal_->Put(changed));
  absl::MutexLock lock(&map_->mutex);
  volume_->record = std::move(changed);
  return absl::OkStatus();
}

void ClaimedVolume::Release() {
  if (volume_ == nullptr) return;
  absl::MutexLock lock(&map_->mutex);
  volume_->doing.clear();
  volume_->progress = -1;
  if (forgets_) map_->by_name.erase(name_);
  volume_ = nullptr;
}

}  // namespace nvdimmfs::volumes
