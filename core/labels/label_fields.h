// SPDX-License-Identifier: Apache-2.0
// What the label versions share: names, checksums, and the refusals for a slot's content.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_FIELDS_H_
#define NVDIMMFS_CORE_LABELS_LABEL_FIELDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/labels/label_format.h"

namespace nvdimmfs::core {

// Converts a name to a label's NUL-padded field, and back.
std::array<char, kLabelNameBytes> NameField(const std::string& name);
std::string NameOf(const std::array<char, kLabelNameBytes>& field);

// Stores the checksum of the label `bytes` at `checksum_offset`.
void SealLabel(absl::Span<std::byte> bytes, size_t checksum_offset);

// OK if the label in `slot` states that slot. Else EINVAL, "label.slot.number".
absl::Status CheckSlotNumber(uint32_t slot, uint32_t stated);
// OK if the checksum at `checksum_offset` is correct. Else EINVAL, "label.slot.checksum".
absl::Status CheckSlotSeal(uint32_t slot, absl::Span<const std::byte> bytes,
                           size_t checksum_offset);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_FIELDS_H_
