// SPDX-License-Identifier: Apache-2.0
// Looks at a label area as if a stranger had made it: reports what has hurt a kernel, and what no
// kernel writes, even where a kernel accepts it. It does not judge the area as part of a set of
// DIMMs: namespace_scan.h does. Rules: label_format.md.
//
// Cost: reads the index blocks and at most kMostVettedLabels labels; memory is bounded by both,
// whatever the index blocks claim.
#ifndef NVDIMMFS_CORE_VET_LABEL_VET_H_
#define NVDIMMFS_CORE_VET_LABEL_VET_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/media/media.h"
#include "core/vet/vet_finding.h"

namespace nvdimmfs::core {

// An area of 1 MiB, the largest in common use, has 8172 slots.
inline constexpr uint32_t kMostVettedLabels = 8192;

struct LabelVet {
  // Offsets count from the start of the area. They are those of the index block or slot that a
  // finding is about.
  std::vector<VetFinding> findings;
  // The current index claims more labels in use than are read.
  bool too_many = false;
};

// `capacity` is the DIMM's size in bytes; extents beyond it are findings. Fails as the media does.
// Thread rules: any thread; reads `area` only.
absl::StatusOr<LabelVet> VetLabelArea(const Media& area, uint64_t capacity);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_VET_LABEL_VET_H_
