// SPDX-License-Identifier: Apache-2.0
// Every label that lies in a label area's slots, whether an index says that it is in use or not:
// what is left to go by where no index does.
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
  const LabelVersion* version = nullptr;  // that it is of; never null
  // LabelVersion::IsAsWritten. Not demanded of labels with a checksum.
  bool as_written = false;
  std::vector<std::byte> content;  // its bytes, but for slot number, flags and checksum

  // Whether `bytes` are another copy of it, but for `damage` bytes in one place at most.
  bool IsCopyOf(absl::Span<const std::byte> bytes, size_t damage) const;

  bool is_region() const { return std::holds_alternative<RegionLabel>(label); }
  const Uuid& uuid() const;
  Range extent() const;  // does not wrap
  bool updating() const;
  bool of_a_set() const;  // of several DIMMs
};

// The label in the bytes of a slot; nothing where it fails its checks, or cannot be anybody's: no
// uuid, no extent, one past `capacity` (0: not known), or, where its version has no checksum,
// fields that no writer leaves.
std::optional<SlotLabel> LabelIn(absl::Span<const std::byte> bytes, uint32_t slot,
                                 uint64_t capacity);

// All of them, in slot order.
absl::StatusOr<std::vector<SlotLabel>> SurveySlots(const Media& area, const LabelGeometry& geometry,
                                                   uint64_t capacity);

// Whether the first slots of a label area of `size` bytes, were there one at `start` of `media`,
// hold a label of a DIMM of `capacity` bytes. This finds an area whose index blocks are lost.
// Bytes that cannot be read hold none.
bool HoldsLabels(const Media& media, uint64_t start, uint64_t size, uint64_t capacity);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_SLOT_SURVEY_H_
