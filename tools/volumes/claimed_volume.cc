// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/claimed_volume.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "tools/volumes/volume_table.h"

namespace nvdimmfs::volumes {

ClaimedVolume::ClaimedVolume(ClaimedVolume&& other) noexcept
    : table_(other.table_),
      volume_(std::exchange(other.volume_, nullptr)),
      name_(std::move(other.name_)),
      forgets_(other.forgets_) {}

ClaimedVolume& ClaimedVolume::operator=(ClaimedVolume&& other) noexcept {
  if (this == &other) return *this;
  Release();
  table_ = other.table_;
  volume_ = std::exchange(other.volume_, nullptr);
  name_ = std::move(other.name_);
  forgets_ = other.forgets_;
  return *this;
}

Volume ClaimedVolume::Copy() const {
  absl::MutexLock lock(&table_->mutex_);
  return *volume_;
}

Record ClaimedVolume::record() const {
  absl::MutexLock lock(&table_->mutex_);
  return volume_->record;
}

absl::Status ClaimedVolume::CheckNotCancelled() const {
  absl::MutexLock lock(&table_->mutex_);
  if (!volume_->is_cancelled) return absl::OkStatus();
  return core::Refusal(
      ECANCELED, "volume.cancelled",
      absl::StrCat("create volume ", name_, ": it was removed before it was ready"));
}

void ClaimedVolume::Change(absl::FunctionRef<void(Volume&)> change) {
  absl::MutexLock lock(&table_->mutex_);
  change(*volume_);
}

void ClaimedVolume::SetDoing(absl::string_view doing) {
  Change([&](Volume& volume) { volume.doing = std::string(doing); });
}

absl::Status ClaimedVolume::PutRecord(absl::FunctionRef<void(Record&)> change) {
  Record changed = record();
  change(changed);
  RETURN_IF_ERROR(table_->journal_.Put(changed));
  absl::MutexLock lock(&table_->mutex_);
  volume_->record = std::move(changed);
  return absl::OkStatus();
}

void ClaimedVolume::Release() {
  if (volume_ == nullptr) return;
  table_->Release(name_, *volume_, forgets_);
  volume_ = nullptr;
}

}  // namespace nvdimmfs::volumes
