// SPDX-License-Identifier: Apache-2.0
// A Media in plain memory, used by `ram:` sources and most tests. Durable at once, as far as memory
// can be; every store is visible to every thread.
#ifndef NVDIMMFS_CORE_MEDIA_MEMORY_MEDIA_H_
#define NVDIMMFS_CORE_MEDIA_MEMORY_MEDIA_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/media/media.h"
#include "core/media/page_holes.h"
#include "core/media/poison_list.h"

namespace nvdimmfs::core {

class MemoryMedia : public Media, public PageHoles {
 public:
  // `size` bytes of zeros, reserved but not touched: terabytes cost nothing until written. Aborts
  // if the address space cannot be reserved.
  explicit MemoryMedia(uint64_t size);
  // The same for sizes from user input: refused with ENOMEM, "memory.size".
  static absl::StatusOr<std::shared_ptr<Media>> Make(uint64_t size);
  ~MemoryMedia() override;
  MemoryMedia(const MemoryMedia&) = delete;
  MemoryMedia& operator=(const MemoryMedia&) = delete;

  uint64_t size() const override { return size_; }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  // A store over bad bytes makes them good if it covers each bad 512-byte unit completely.
  // Otherwise it is refused with EIO, "media.poison", and stores nothing.
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
  uint64_t hole_unit() const override { return 4096; }
  const std::byte* mapping() const override { return bytes_; }
  DirectView direct_view() const override;
  bool IsPoisoned(uint64_t offset, uint64_t length) const override;
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;
  std::vector<Range> BadRanges() const override { return poison_.ranges(); }
  absl::Status InjectPoison(const Range& range) override;
  void ObservePoison(std::weak_ptr<PoisonObserver> observer) override {
    poison_.Observe(std::move(observer));
  }

  absl::Span<std::byte> bytes() { return {bytes_, size_}; }

 private:
  absl::Status CheckStore(uint64_t offset, uint64_t length) const;
  template <typename Word>
  absl::Status StoreWord(uint64_t offset, Word value);

  MemoryMedia(std::byte* bytes, uint64_t size) : bytes_(bytes), size_(size) {}

  std::byte* const bytes_;
  const uint64_t size_;
  PoisonList poison_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_MEMORY_MEDIA_H_
