// SPDX-License-Identifier: Apache-2.0
#include "core/media/crash_media.h"

#include <array>
#include <atomic>

#include "core/base/endian.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

uint64_t NumberOfThread() {
  static std::atomic<uint64_t> next{0};
  thread_local const uint64_t mine = next.fetch_add(1);
  return mine;
}

template <typename Word>
std::array<std::byte, sizeof(Word)> BytesOf(Word value) {
  std::array<std::byte, sizeof(Word)> bytes;
  StoreLe(bytes.data(), value);
  return bytes;
}

}  // namespace

absl::Status CrashMedia::Read(uint64_t offset, absl::Span<std::byte> out) const {
  RETURN_IF_ERROR(supply_->Check());
  return base_->Read(offset, out);
}

absl::Status CrashMedia::Peek(uint64_t offset, absl::Span<std::byte> out) const {
  RETURN_IF_ERROR(supply_->Check());
  return base_->Peek(offset, out);
}

absl::Status CrashMedia::Write(uint64_t offset, absl::Span<const std::byte> data) {
  return supply_->Store(line_, offset, data, false, NumberOfThread());
}

absl::Status CrashMedia::WriteThrough(uint64_t offset, absl::Span<const std::byte> data) {
  return supply_->Store(line_, offset, data, true, NumberOfThread());
}

absl::Status CrashMedia::Store32(uint64_t offset, uint32_t value) {
  return supply_->StoreWord(line_, offset, BytesOf(value), false, NumberOfThread());
}

absl::Status CrashMedia::Store64(uint64_t offset, uint64_t value) {
  return supply_->StoreWord(line_, offset, BytesOf(value), false, NumberOfThread());
}

absl::Status CrashMedia::StoreThrough32(uint64_t offset, uint32_t value) {
  return supply_->StoreWord(line_, offset, BytesOf(value), true, NumberOfThread());
}

absl::Status CrashMedia::StoreThrough64(uint64_t offset, uint64_t value) {
  return supply_->StoreWord(line_, offset, BytesOf(value), true, NumberOfThread());
}

absl::Status CrashMedia::Push(uint64_t offset, uint64_t length) {
  return supply_->Push(line_, offset, length, NumberOfThread());
}

absl::Status CrashMedia::Drain() {
  return supply_->Fence(line_, FenceKind::kDrain, NumberOfThread());
}

absl::Status CrashMedia::Flush() {
  return supply_->Fence(line_, FenceKind::kFlush, NumberOfThread());
}

absl::Status CrashMedia::Punch(uint64_t offset, uint64_t length) {
  return supply_->Punch(line_, offset, length);
}

absl::Status CrashMedia::ClearPoison(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(supply_->Check());
  return base_->ClearPoison(offset, length);
}

absl::Status CrashMedia::InjectPoison(const Range& range) {
  RETURN_IF_ERROR(supply_->Check());
  return base_->InjectPoison(range);
}

}  // namespace nvdimmfs::core
