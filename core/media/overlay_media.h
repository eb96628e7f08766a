// SPDX-License-Identifier: Apache-2.0
// A Media over another one that is never written: stores stay in memory. Used to try out what a
// repair would do.
#ifndef NVDIMMFS_CORE_MEDIA_OVERLAY_MEDIA_H_
#define NVDIMMFS_CORE_MEDIA_OVERLAY_MEDIA_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "core/media/media.h"

namespace nvdimmfs::core {

// Uses 512 bytes of memory for each unit stored to. Single-threaded.
class OverlayMedia final : public Media {
 public:
  explicit OverlayMedia(std::shared_ptr<const Media> base) : base_(std::move(base)) {}

  uint64_t size() const override { return base_->size(); }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  // A store that covers a bad unit completely makes it good; one that covers it partly is refused.
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override {
    return Write(offset, data);
  }
  absl::Status Store32(uint64_t offset, uint32_t value) override;
  absl::Status Store64(uint64_t offset, uint64_t value) override;
  absl::Status Push(uint64_t, uint64_t) override { return absl::OkStatus(); }
  absl::Status Drain() override { return absl::OkStatus(); }
  absl::Status Flush() override { return absl::OkStatus(); }
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  bool IsPoisoned(uint64_t offset, uint64_t length) const override;
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;

 private:
  static constexpr uint64_t kUnit = 512;
  using Unit = std::array<std::byte, kUnit>;

  absl::Status ReadUnits(uint64_t offset, absl::Span<std::byte> out) const;

  const std::shared_ptr<const Media> base_;
  std::map<uint64_t, Unit> units_;  // by offset, a multiple of kUnit
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_OVERLAY_MEDIA_H_
