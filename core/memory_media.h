// A Media in plain memory: what `ram:` sources and most tests stand on. Durable at once, as far as
// memory can be; every store is visible to every thread.
#ifndef NVDIMMFS_CORE_MEMORY_MEDIA_H_
#define NVDIMMFS_CORE_MEMORY_MEDIA_H_

#include <memory>

#include "core/media.h"

namespace nvdimmfs::core {

class MemoryMedia final : public Media {
 public:
  // `size` bytes of zeros, reserved but not touched: terabytes cost nothing until written. Aborts
  // where the address space cannot be had.
  explicit MemoryMedia(uint64_t size);
  ~MemoryMedia() override;
  MemoryMedia(const MemoryMedia&) = delete;
  MemoryMedia& operator=(const MemoryMedia&) = delete;

  uint64_t size() const override { return size_; }
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
  const std::byte* mapping() const override { return bytes_; }
  bool IsPoisoned(uint64_t, uint64_t) const override { return false; }
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;

  absl::Span<std::byte> bytes() { return {bytes_, size_}; }

 private:
  std::byte* const bytes_;
  const uint64_t size_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEMORY_MEDIA_H_
