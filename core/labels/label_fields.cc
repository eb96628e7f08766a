// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_fields.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/fletcher64.h"
#include "core/base/status.h"

namespace nvdimmfs::core {

std::array<char, kLabelNameBytes> NameField(const std::string& name) {
  std::array<char, kLabelNameBytes> field{};
  const std::string text = name.substr(0, name.find('\0'));
  std::copy_n(text.begin(), std::min(text.size(), kLabelNameBytes - 1), field.begin());
  return field;
}

std::string NameOf(const std::array<char, kLabelNameBytes>& field) {
  // Another writer may have filled all 64 bytes.
  const auto end = std::find(field.begin(), field.end() - 1, '\0');
  return std::string(field.begin(), end);
}

void SealLabel(absl::Span<std::byte> bytes, size_t checksum_offset) {
  StoreLe(bytes.data() + checksum_offset, Fletcher64(bytes, checksum_offset));
}

absl::Status CheckSlotNumber(uint32_t slot, uint32_t stated) {
  if (stated == slot) return absl::OkStatus();
  return Refusal(EINVAL, "label.slot.number",
                 absl::StrCat("label in slot ", slot, " says it is in slot ", stated,
                              "; skipped, the slot stays in use"));
}

absl::Status CheckSlotSeal(uint32_t slot, absl::Span<const std::byte> bytes,
                           size_t checksum_offset) {
  const auto stored = LoadLe<uint64_t>(bytes.data() + checksum_offset);
  const uint64_t computed = Fletcher64(bytes, checksum_offset);
  if (stored == computed) return absl::OkStatus();
  return Refusal(
      EINVAL, "label.slot.checksum",
      absl::StrCat("label in slot ", slot, " fails its checksum (stored 0x", absl::Hex(stored),
                   ", computed 0x", absl::Hex(computed), "); skipped, the slot stays in use"));
}

}  // namespace nvdimmfs::core
