// SPDX-License-Identifier: Apache-2.0
// The bytes of a DIMM's label area as dev/nmemN shows them: always readable, but writable only
// while no enabled region uses the labels. Writes take effect when the DIMM's driver is bound
// again.
#ifndef NVDIMMFS_CORE_ND_LABEL_NODE_MEDIA_H_
#define NVDIMMFS_CORE_ND_LABEL_NODE_MEDIA_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/media/media.h"

namespace nvdimmfs::core {

class LabelNodeMedia final : public Media {
 public:
  // `dimm` is the DIMM's name, for messages.
  LabelNodeMedia(std::shared_ptr<Media> area, std::string dimm)
      : area_(std::move(area)), dimm_(std::move(dimm)) {}

  // Whether an enabled region uses the labels: then every store is refused with EBUSY,
  // "dimm.active".
  void set_in_use(bool in_use) { in_use_.store(in_use, std::memory_order_relaxed); }

  uint64_t size() const override { return area_->size(); }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override {
    return area_->Read(offset, out);
  }
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Store32(uint64_t offset, uint32_t value) override;
  absl::Status Store64(uint64_t offset, uint64_t value) override;
  absl::Status Push(uint64_t offset, uint64_t length) override {
    return area_->Push(offset, length);
  }
  absl::Status Drain() override { return area_->Drain(); }
  absl::Status Flush() override { return area_->Flush(); }
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  bool read_only() const override { return area_->read_only(); }
  bool IsPoisoned(uint64_t offset, uint64_t length) const override {
    return area_->IsPoisoned(offset, length);
  }
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override {
    return area_->ClearPoison(offset, length);
  }
  std::vector<Range> BadRanges() const override { return area_->BadRanges(); }

 private:
  absl::Status CheckIdle() const;

  const std::shared_ptr<Media> area_;
  const std::string dimm_;
  std::atomic<bool> in_use_{false};
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_LABEL_NODE_MEDIA_H_
