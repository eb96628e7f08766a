// SPDX-License-Identifier: Apache-2.0
// The label storage area of a CXL memory device as a core::Media.
//
// Each store is a command: it is durable on the device when it returns, so Push, Drain and Flush do
// nothing. A store larger than one command's payload is several commands, and may fail part-way.
#ifndef NVDIMMFS_BACKENDS_CXL_LSA_MEDIA_H_
#define NVDIMMFS_BACKENDS_CXL_LSA_MEDIA_H_

#include <memory>
#include <utility>

#include "backends/cxl/lsa_access.h"
#include "core/media/media.h"

namespace nvdimmfs::backends::cxl {

class LsaMedia final : public core::Media {
 public:
  LsaMedia(std::shared_ptr<LsaAccess> device, bool read_only)
      : device_(std::move(device)), read_only_(read_only) {}

  uint64_t size() const override { return device_->lsa_size(); }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override {
    return Write(offset, data);
  }
  absl::Status Store32(uint64_t offset, uint32_t value) override;
  absl::Status Store64(uint64_t offset, uint64_t value) override;
  absl::Status Push(uint64_t offset, uint64_t length) override;
  absl::Status Drain() override { return absl::OkStatus(); }
  absl::Status Flush() override { return absl::OkStatus(); }
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  bool read_only() const override { return read_only_; }
  bool IsPoisoned(uint64_t, uint64_t) const override { return false; }
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;

 private:
  const std::shared_ptr<LsaAccess> device_;
  const bool read_only_;
};

}  // namespace nvdimmfs::backends::cxl

#endif  // NVDIMMFS_BACKENDS_CXL_LSA_MEDIA_H_
