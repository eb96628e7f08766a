// SPDX-License-Identifier: Apache-2.0
// One validated index block of a label area, and the rules that choose between the two. Layout:
// label_format.h; rules: label_format.md, "Which block is current". Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_INDEX_H_
#define NVDIMMFS_CORE_LABELS_LABEL_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_version.h"

namespace nvdimmfs::core {

class LabelIndex {
 public:
  // An index over labels of `version` with every slot free and the padding bits 0; `geometry` is
  // that of their size. The caller sets the sequence.
  static LabelIndex Fresh(const LabelGeometry& geometry, const LabelVersion& version);

  // Checks the `geometry.index_size` bytes found at `position` (0 or 1). Refused with EINVAL and
  // the reason of the first check that fails: label.index.signature, .label_size, .checksum,
  // .sequence, .my_offset, .other_offset, .label_offset, .my_size, .slot_count.
  static absl::StatusOr<LabelIndex> Parse(absl::Span<const std::byte> block,
                                          const LabelGeometry& geometry, int position);

  // The block as written at `position`. Everything except sequence, slot count and bitmap follows
  // from geometry and version, so the first rewrite normalises unusual values.
  std::vector<std::byte> Encode(const LabelGeometry& geometry, int position) const;

  LabelVersionNumber number() const { return number_; }
  uint32_t slot_count() const { return slot_count_; }
  uint32_t sequence() const { return sequence_; }  // 1..3
  void set_sequence(uint32_t sequence) { sequence_ = sequence; }

  // `slot` < slot_count().
  bool IsFree(uint32_t slot) const;
  void SetFree(uint32_t slot, bool free);
  void SetAllFree();
  uint32_t CountFree() const;
  std::optional<uint32_t> LowestFree() const;
  // The lowest slot in use that is >= `from`.
  std::optional<uint32_t> NextUsed(uint32_t from) const;

  // Makes Encode state `version` from now on.
  void set_version(const LabelVersion& version) { number_ = version.number(); }

 private:
  LabelIndex() = default;

  uint32_t sequence_ = 0;
  LabelVersionNumber number_;
  uint32_t slot_count_ = 0;
  std::vector<std::byte> bitmap_;  // to the end of the block, with its padding
};

// 1 -> 2 -> 3 -> 1.
uint32_t NextSequence(uint32_t sequence);

// The newer of two valid blocks, 0 or 1; 1 if they are equal.
int NewerIndex(uint32_t sequence0, uint32_t sequence1);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_INDEX_H_
