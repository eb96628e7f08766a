// SPDX-License-Identifier: Apache-2.0
#include "backends/cxl/lsa_media.h"

#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::backends::cxl {
namespace {

template <typename Word>
std::array<std::byte, sizeof(Word)> BytesOf(Word value) {
  std::array<std::byte, sizeof(Word)> bytes;
  core::StoreLe(bytes.data(), value);
  return bytes;
}

}  // namespace

absl::Status LsaMedia::Read(uint64_t offset, absl::Span<std::byte> out) const {
  return device_->ReadLsa(offset, out);
}

absl::Status LsaMedia::Write(uint64_t offset, absl::Span<const std::byte> data) {
  if (read_only_)
    return core::Refusal(
        EROFS, "media.read_only",
        absl::StrCat("write the label area of ", device_->name(), ": open read-only"));
  return device_->WriteLsa(offset, data);
}

absl::Status LsaMedia::Store32(uint64_t offset, uint32_t value) {
  return Write(offset, BytesOf(value));
}

absl::Status LsaMedia::Store64(uint64_t offset, uint64_t value) {
  return Write(offset, BytesOf(value));
}

absl::Status LsaMedia::Push(uint64_t offset, uint64_t length) {
  if (core::Fits(offset, length, size())) return absl::OkStatus();
  return core::OutsideMedia(offset, length, size());
}

absl::Status LsaMedia::Punch(uint64_t, uint64_t) {
  return core::Refusal(EOPNOTSUPP, "media.punch", "a label area has no holes");
}

absl::Status LsaMedia::ClearPoison(uint64_t, uint64_t) { return absl::OkStatus(); }

}  // namespace nvdimmfs::backends::cxl
