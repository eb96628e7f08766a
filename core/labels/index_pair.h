// SPDX-License-Identifier: Apache-2.0
// The two index blocks of a label area, as found on media for one label size. Rules:
// label_format.md, "Which block is current".
#ifndef NVDIMMFS_CORE_LABELS_INDEX_PAIR_H_
#define NVDIMMFS_CORE_LABELS_INDEX_PAIR_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_index.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

struct IndexPair {
  LabelGeometry geometry;
  std::vector<absl::StatusOr<LabelIndex>> blocks;  // two

  // Fails as the media does; a block that fails its checks is a refusal in `blocks`.
  static absl::StatusOr<IndexPair> Read(const Media& media, const LabelGeometry& geometry);

  // The current block, 0 or 1; nothing if neither is valid.
  std::optional<int> current() const;
};

// The geometry of an area of `area_size` bytes for each label size that fits, in the order in which
// they are tried.
std::vector<LabelGeometry> LabelGeometries(uint64_t area_size);

// Whether `media` holds a valid index block. Reads only index blocks.
bool HasLabelIndex(const Media& media);

// The offsets at which index blocks can start in an area of `size` bytes: multiples of 256,
// ascending.
std::vector<uint64_t> LabelIndexOffsets(uint64_t size);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_INDEX_PAIR_H_
