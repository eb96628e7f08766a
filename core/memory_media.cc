#include "core/memory_media.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/endian.h"
#include "core/media_slice.h"
#include "core/range.h"
#include "core/status.h"

namespace nvdimmfs::core {
namespace {

std::byte* Reserve(uint64_t size) {
  void* at = mmap(nullptr, size == 0 ? 1 : size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) std::abort();
  return static_cast<std::byte*>(at);
}

// Stores a word with one instruction.
template <typename T>
absl::Status StoreWord(std::byte* base, uint64_t size, uint64_t offset, T value) {
  if (!Fits(offset, sizeof value, size)) return OutsideMedia(offset, sizeof value, size);
  if (offset % sizeof value != 0)
    return Refusal(EIO, "media.alignment", "a word store needs a naturally aligned offset");
  T little_endian;
  StoreLe(&little_endian, value);
  std::atomic_ref<T>(*reinterpret_cast<T*>(base + offset))
      .store(little_endian, std::memory_order_release);
  return absl::OkStatus();
}

}  // namespace

MemoryMedia::MemoryMedia(uint64_t size) : bytes_(Reserve(size)), size_(size) {}

MemoryMedia::~MemoryMedia() { munmap(bytes_, size_ == 0 ? 1 : size_); }

absl::Status MemoryMedia::Read(uint64_t offset, absl::Span<std::byte> out) const {
  if (!Fits(offset, out.size(), size_)) return OutsideMedia(offset, out.size(), size_);
  if (!out.empty()) std::memcpy(out.data(), bytes_ + offset, out.size());
  return absl::OkStatus();
}

absl::Status MemoryMedia::Write(uint64_t offset, absl::Span<const std::byte> data) {
  if (!Fits(offset, data.size(), size_)) return OutsideMedia(offset, data.size(), size_);
  if (!data.empty()) std::memcpy(bytes_ + offset, data.data(), data.size());
  return absl::OkStatus();
}

absl::Status MemoryMedia::Store32(uint64_t offset, uint32_t value) {
  return StoreWord(bytes_, size_, offset, value);
}

absl::Status MemoryMedia::Store64(uint64_t offset, uint64_t value) {
  return StoreWord(bytes_, size_, offset, value);
}

absl::Status MemoryMedia::Push(uint64_t offset, uint64_t length) {
  if (!Fits(offset, length, size_)) return OutsideMedia(offset, length, size_);
  return absl::OkStatus();
}

absl::Status MemoryMedia::ClearPoison(uint64_t offset, uint64_t length) {
  if (!Fits(offset, length, size_)) return OutsideMedia(offset, length, size_);
  if (offset % 512 != 0 || length % 512 != 0)
    return Refusal(ENXIO, "media.poison.alignment",
                   "clear poison: offset and length must be multiples of 512");
  return absl::OkStatus();
}

absl::Status MemoryMedia::Punch(uint64_t offset, uint64_t length) {
  if (!Fits(offset, length, size_)) return OutsideMedia(offset, length, size_);
  if (length != 0) std::memset(bytes_ + offset, 0, length);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::core
