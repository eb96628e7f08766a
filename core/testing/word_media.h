// SPDX-License-Identifier: Apache-2.0
// A Media in memory that is accessed by relaxed atomic words only: for thread sanitizer, since the
// BTT's readers may legitimately read blocks that writers are reusing. No poison, no mapping.
#ifndef NVDIMMFS_CORE_TESTING_WORD_MEDIA_H_
#define NVDIMMFS_CORE_TESTING_WORD_MEDIA_H_

#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/base/endian.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/media.h"
#include "core/media/media_slice.h"
#include "core/media/page_holes.h"

namespace nvdimmfs::testing {

// Offsets and lengths are multiples of 4.
class WordMedia final : public core::Media, public core::PageHoles {
 public:
  explicit WordMedia(uint64_t size) : words_(size / 4) {}

  uint64_t size() const override { return words_.size() * 4; }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override {
    if (!core::Fits(offset, out.size(), size()))
      return core::OutsideMedia(offset, out.size(), size());
    for (size_t done = 0; done < out.size(); done += 4)
      core::StoreLe(out.data() + done, words_[(offset + done) / 4].load(std::memory_order_relaxed));
    return absl::OkStatus();
  }
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override {
    if (!core::Fits(offset, data.size(), size()))
      return core::OutsideMedia(offset, data.size(), size());
    for (size_t done = 0; done < data.size(); done += 4)
      words_[(offset + done) / 4].store(core::LoadLe<uint32_t>(data.data() + done),
                                        std::memory_order_relaxed);
    return absl::OkStatus();
  }
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override {
    return Write(offset, data);
  }
  absl::Status Store32(uint64_t offset, uint32_t value) override {
    words_[offset / 4].store(value, std::memory_order_release);
    return absl::OkStatus();
  }
  absl::Status Store64(uint64_t offset, uint64_t value) override {
    words_[offset / 4].store(static_cast<uint32_t>(value), std::memory_order_relaxed);
    words_[offset / 4 + 1].store(static_cast<uint32_t>(value >> 32), std::memory_order_release);
    return absl::OkStatus();
  }
  absl::Status Push(uint64_t, uint64_t) override { return absl::OkStatus(); }
  absl::Status Drain() override { return absl::OkStatus(); }
  absl::Status Flush() override { return absl::OkStatus(); }
  // Word by word, so that a reader may see it half done.
  absl::Status Punch(uint64_t offset, uint64_t length) override {
    if (!core::Fits(offset, length, size())) return core::OutsideMedia(offset, length, size());
    for (size_t done = 0; done < length; done += 4)
      words_[(offset + done) / 4].store(0, std::memory_order_relaxed);
    return absl::OkStatus();
  }
  uint64_t hole_unit() const override { return 4096; }
  bool IsPoisoned(uint64_t, uint64_t) const override { return false; }
  absl::Status ClearPoison(uint64_t, uint64_t) override { return absl::OkStatus(); }

 private:
  std::vector<std::atomic<uint32_t>> words_;
};

}  // namespace nvdimmfs::testing

#endif  // NVDIMMFS_CORE_TESTING_WORD_MEDIA_H_
