// SPDX-License-Identifier: Apache-2.0
#include "core/nd/label_node_media.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::core {

absl::Status LabelNodeMedia::CheckIdle() const {
  if (!in_use_.load(std::memory_order_relaxed)) return absl::OkStatus();
  return Refusal(EBUSY, "dimm.active",
                 absl::StrCat("write to the labels of ", dimm_,
                              ": an enabled region uses them; disable every region of the DIMM "
                              "first, and bind the DIMM to nvdimm again afterwards"));
}

absl::Status LabelNodeMedia::Write(uint64_t offset, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(CheckIdle());
  return area_->Write(offset, data);
}

absl::Status LabelNodeMedia::WriteThrough(uint64_t offset, absl::Span<const std::byte> data) {
  RETURN_IF_ERROR(CheckIdle());
  return area_->WriteThrough(offset, data);
}

absl::Status LabelNodeMedia::Store32(uint64_t offset, uint32_t value) {
  RETURN_IF_ERROR(CheckIdle());
  return area_->Store32(offset, value);
}

absl::Status LabelNodeMedia::Store64(uint64_t offset, uint64_t value) {
  RETURN_IF_ERROR(CheckIdle());
  return area_->Store64(offset, value);
}

absl::Status LabelNodeMedia::Punch(uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(CheckIdle());
  return area_->Punch(offset, length);
}

}  // namespace nvdimmfs::core
