// SPDX-License-Identifier: Apache-2.0
// Whether a label area without a valid index block is blank or may hold data. Rules:
// label_format.md, "What an area is".
#ifndef NVDIMMFS_CORE_LABELS_BLANK_AREA_H_
#define NVDIMMFS_CORE_LABELS_BLANK_AREA_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_version.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

// OK: blank, as far as checked. Else "label.area.damaged" or "label.area.unreadable" (EUCLEAN).
struct BlankVerdict {
  absl::Status status;
  uint64_t offset = 0;  // of the first byte that is not zero, if damaged
};

// Checks the first 16 MiB, which hold 65536 labels, so that opening an area of any size takes
// bounded time. What a power cut leaves of the first store of LabelArea::Initialise also counts as
// blank.
BlankVerdict LookForBlank(const Media& media);

// Checks the rest.
absl::Status CheckRestBlank(const Media& media);

// Block 0 as LabelArea::Initialise writes it; `geometry` is that of the version's label size.
std::vector<std::byte> FreshIndexBlock(const LabelGeometry& geometry, const LabelVersion& version);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_BLANK_AREA_H_
