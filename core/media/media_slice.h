// SPDX-License-Identifier: Apache-2.0
// A window on another Media: its bytes [start, start + size), with offsets from 0. Shares ownership
// of the parent.
#ifndef NVDIMMFS_CORE_MEDIA_MEDIA_SLICE_H_
#define NVDIMMFS_CORE_MEDIA_MEDIA_SLICE_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/range.h"
#include "core/media/media.h"
#include "core/media/page_holes.h"

namespace nvdimmfs::core {

class MediaSlice final : public Media, public PageHoles {
 public:
  // Refused with EIO, "media.range", if the window does not fit in the parent. `flush`, unless
  // null, makes only the window durable; without it Flush flushes the whole parent.
  static absl::StatusOr<std::shared_ptr<Media>> Make(std::shared_ptr<Media> parent, Range window,
                                                     std::function<absl::Status()> flush = nullptr);

  uint64_t size() const override { return window_.size; }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Peek(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Store32(uint64_t offset, uint32_t value) override;
  absl::Status Store64(uint64_t offset, uint64_t value) override;
  absl::Status StoreThrough32(uint64_t offset, uint32_t value) override;
  absl::Status StoreThrough64(uint64_t offset, uint64_t value) override;
  absl::Status Push(uint64_t offset, uint64_t length) override;
  absl::Status Drain() override { return parent_->Drain(); }
  absl::Status Flush() override { return flush_ == nullptr ? parent_->Flush() : flush_(); }
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  // 0 if the window starts within a unit.
  uint64_t hole_unit() const override;
  bool read_only() const override { return parent_->read_only(); }
  const std::byte* mapping() const override;
  std::shared_ptr<FileLoan> LendFile() override {
    return window_.size == parent_->size() ? parent_->LendFile() : nullptr;
  }
  DirectView direct_view() const override;
  bool IsPoisoned(uint64_t offset, uint64_t length) const override;
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;
  std::vector<Range> BadRanges() const override;
  absl::Status InjectPoison(const Range& range) override;
  void ObservePoison(std::weak_ptr<PoisonObserver> observer) override {
    parent_->ObservePoison(std::move(observer));
  }

 private:
  MediaSlice(std::shared_ptr<Media> parent, Range window, std::function<absl::Status()> flush);
  absl::Status Check(uint64_t offset, uint64_t length) const;

  const std::shared_ptr<Media> parent_;
  const Range window_;  // relative to the parent
  const std::function<absl::Status()> flush_;
};

// The refusal of an access outside a Media of `size` bytes.
absl::Status OutsideMedia(uint64_t offset, uint64_t length, uint64_t size);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_MEDIA_SLICE_H_
