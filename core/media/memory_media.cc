// SPDX-License-Identifier: Apache-2.0
#include "core/media/memory_media.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::core {
namespace {

// Null if it is not available.
std::byte* Reserve(uint64_t size) {
  void* at = mmap(nullptr, size == 0 ? 1 : size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : static_cast<std::byte*>(at);
}

}  // namespace

MemoryMedia::MemoryMedia(uint64_t size) : bytes_(Reserve(size)), size_(size) {
  if (bytes_ == nullptr) std::abort();
}

absl::StatusOr<std::shared_ptr<Media>> MemoryMedia::Make(uint64_t size) {
  std::byte* const bytes = Reserve(size);
  if (bytes == nullptr)
    return Refusal(ENOMEM, "memory.size",
                   absl::StrCat(size,
                                " bytes of memory: more than this process can address; up to 64T "
                                "always fit"));
  return std::shared_ptr<Media>(new MemoryMedia(bytes, size));
}

MemoryMedia::~MemoryMedia() { munmap(bytes_, size_ == 0 ? 1 : size_); }

absl::Status MemoryMedia::CheckStore(uint64_t offset, uint64_t length) const {
  if (!Fits(offset, length, size_)) return OutsideMedia(offset, length, size_);
  if (poison_.CoversWhole({offset, length})) return absl::OkStatus();
  return Refusal(EIO, "media.poison",
                 absl::StrCat("store ", length, " bytes at ", offset,
                              ": covers a bad 512-byte unit only in part; write whole units"));
}

absl::Status MemoryMedia::Read(uint64_t offset, absl::Span<std::byte> out) const {
  if (!Fits(offset, out.size(), size_)) return OutsideMedia(offset, out.size(), size_);
  if (poison_.Overlaps({offset, out.size()}))
    return Refusal(EIO, "media.poison",
                   absl::StrCat("read ", out.size(), " bytes at ", offset, ": known to be bad"));
  if (!out.empty()) std::memcpy(out.data(), bytes_ + offset, out.size());
  return absl::OkStatus();
}

absl::Status MemoryMedia::Write(uint64_t offset, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(CheckStore(offset, data.size()));
  if (!data.empty()) std::memcpy(bytes_ + offset, data.data(), data.size());
  poison_.Clear({offset, data.size()});
  return absl::OkStatus();
}

// With one instruction.
template <typename Word>
absl::Status MemoryMedia::StoreWord(uint64_t offset, Word value) {
  RETURN_IF_ERROR(CheckStore(offset, sizeof value));
  if (offset % sizeof value != 0)
    return Refusal(EIO, "media.alignment", "a word store needs a naturally aligned offset");
  Word little_endian;
  StoreLe(&little_endian, value);
  std::atomic_ref<Word>(*reinterpret_cast<Word*>(bytes_ + offset))
      .store(little_endian, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status MemoryMedia::Store32(uint64_t offset, uint32_t value) {
  return StoreWord(offset, value);
}

absl::Status MemoryMedia::Store64(uint64_t offset, uint64_t value) {
  return StoreWord(offset, value);
}

absl::Status MemoryMedia::Push(uint64_t offset, uint64_t length) {
  if (!Fits(offset, length, size_)) return OutsideMedia(offset, length, size_);
  return absl::OkStatus();
}

DirectView MemoryMedia::direct_view() const {
  return {.base = bytes_,
          .sound = &poison_.empty_flag(),
          .copy =
              [](void* to, const void* from, size_t length) {
                std::memcpy(to, from, length);
                return true;
              },
          .load32 =
              [](uint32_t* value, const void* from) {
                *value = __atomic_load_n(static_cast<const uint32_t*>(from), __ATOMIC_RELAXED);
                return true;
              }};
}

bool MemoryMedia::IsPoisoned(uint64_t offset, uint64_t length) const {
  return Fits(offset, length, size_) && poison_.Overlaps({offset, length});
}

absl::Status MemoryMedia::ClearPoison(uint64_t offset, uint64_t length) {
  if (!Fits(offset, length, size_)) return OutsideMedia(offset, length, size_);
  if (offset % kPoisonUnit != 0 || length % kPoisonUnit != 0)
    return Refusal(ENXIO, "media.poison.alignment",
                   "clear poison: offset and length must be multiples of 512");
  poison_.Clear({offset, length});
  return absl::OkStatus();
}

absl::Status MemoryMedia::InjectPoison(const Range& range) {
  if (!Fits(range.start, range.size, size_)) return OutsideMedia(range.start, range.size, size_);
  poison_.Add(range);
  return absl::OkStatus();
}

absl::Status MemoryMedia::Punch(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(CheckStore(offset, length));
  // Whole pages go back to the system, so that terabytes of hole cost nothing.
  constexpr uint64_t kPage = 4096;
  const uint64_t first = std::min(RoundUp(offset, kPage), offset + length);
  const uint64_t last = std::max(RoundDown(offset + length, kPage), first);
  std::memset(bytes_ + offset, 0, first - offset);
  if (last > first && madvise(bytes_ + first, last - first, MADV_DONTNEED) != 0)
    std::memset(bytes_ + first, 0, last - first);
  std::memset(bytes_ + last, 0, offset + length - last);
  poison_.Clear({offset, length});
  return absl::OkStatus();
}

}  // namespace nvdimmfs::core
