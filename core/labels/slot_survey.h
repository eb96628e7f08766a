// SPDX-License-Identifier: Apache-2.0
// Every label in a label area's slots, whether in use or not: the only evidence if there is no
// valid index.
#ifndef NVDIMMFS_CORE_LABELS_SLOT_SURVEY_H_
#define NVDIMMFS_CORE_LABELS_SLOT_SURVEY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/range.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_version.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

struct SlotLabel {
  uint32_t slot = 0;
  AnyLabel label;
  const LabelVersion* version = nullptr;  // its version; never null
  // LabelVersion::IsAsWritten. Not required of labels with a checksum.
  bool as_written = false;
  std::vector<std::byte> content;  // its bytes, except slot number, flags and checksum

  // Whether `bytes` are another copy of it, with at most `damage` consecutive damaged bytes.
  bool IsCopyOf(absl::Span<const std::byte> bytes, size_t damage) const;

  bool is_region() const { return std::holds_alternative<RegionLabel>(label); }
  const Uuid& uuid() const;
  Range extent() const;  // does not wrap
  bool updating() const;
  bool of_a_set() const;  // of several DIMMs
};

// The label in the bytes of a slot. Nothing if it fails its checks or cannot be real: no uuid, no
// extent, an extent past `capacity` (0: unknown) or, in a version without a checksum, fields that
// no writer produces.
std::optional<SlotLabel> LabelIn(absl::Span<const std::byte> bytes, uint32_t slot,
                                 uint64_t capacity);

// All of them, in slot order.
absl::StatusOr<std::vector<SlotLabel>> SurveySlots(const Media& area, const LabelGeometry& geometry,
                                                   uint64_t capacity);

// Whether the first slots of an assumed label area of `size` bytes at `start` of `media` hold a
// label for a DIMM of `capacity` bytes. Finds an area whose index blocks are lost. Unreadable bytes
// do not count.
bool HoldsLabels(const Media& media, uint64_t start, uint64_t size, uint64_t capacity);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_SLOT_SURVEY_H_
