// SPDX-License-Identifier: Apache-2.0
// A Media whose power can fail: one line of a PowerSupply (core/media/power_supply.h).
//
// Nothing bypasses it: it has no mapping and lends no file. core/testing/faulty_media.h does the
// same in memory, for tests that try every outcome of a cut.
#ifndef NVDIMMFS_CORE_MEDIA_CRASH_MEDIA_H_
#define NVDIMMFS_CORE_MEDIA_CRASH_MEDIA_H_

#include <memory>
#include <utility>
#include <vector>

#include "core/media/media.h"
#include "core/media/page_holes.h"
#include "core/media/power_supply.h"

namespace nvdimmfs::core {

class CrashMedia final : public Media, public PageHoles {
 public:
  CrashMedia(std::shared_ptr<Media> base, std::shared_ptr<PowerSupply> supply, size_t line)
      : base_(std::move(base)), supply_(std::move(supply)), line_(line) {}

  const PowerSupply& supply() const { return *supply_; }

  uint64_t size() const override { return base_->size(); }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Peek(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Store32(uint64_t offset, uint32_t value) override;
  absl::Status Store64(uint64_t offset, uint64_t value) override;
  absl::Status StoreThrough32(uint64_t offset, uint32_t value) override;
  absl::Status StoreThrough64(uint64_t offset, uint64_t value) override;
  absl::Status Push(uint64_t offset, uint64_t length) override;
  absl::Status Drain() override;
  absl::Status Flush() override;
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  uint64_t hole_unit() const override { return HoleUnitOf(*base_); }
  bool read_only() const override { return base_->read_only(); }
  bool IsPoisoned(uint64_t offset, uint64_t length) const override {
    return base_->IsPoisoned(offset, length);
  }
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;
  std::vector<Range> BadRanges() const override { return base_->BadRanges(); }
  absl::Status InjectPoison(const Range& range) override;
  void ObservePoison(std::weak_ptr<PoisonObserver> observer) override {
    base_->ObservePoison(std::move(observer));
  }

 private:
  const std::shared_ptr<Media> base_;
  const std::shared_ptr<PowerSupply> supply_;
  const size_t line_;
};

// The supply of `media`; null if its power cannot fail. `media` may be null.
inline const PowerSupply* PowerSupplyOf(const Media* media) {
  const auto* fed = dynamic_cast<const CrashMedia*>(media);
  return fed == nullptr ? nullptr : &fed->supply();
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_CRASH_MEDIA_H_
