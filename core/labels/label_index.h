// One index block of a label area, checked, and the rules that choose between the two.
// Layout: label_format.h; rules: label_format.md, "Which block is current". Pure; no I/O.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_INDEX_H_
#define NVDIMMFS_CORE_LABELS_LABEL_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/labels/label_geometry.h"

namespace nvdimmfs::core {

class LabelIndex {
 public:
  // An index with every slot free and the padding bits 0. The sequence is for the caller to set.
  static LabelIndex Fresh(const LabelGeometry& geometry);

  // Checks the `geometry.index_size` bytes found at `position` (0 or 1). Refused with EINVAL and
  // the reason of the first check that fails: label.index.signature, .label_size, .checksum,
  // .sequence, .my_offset, .other_offset, .label_offset, .my_size, .slot_count.
  static absl::StatusOr<LabelIndex> Parse(absl::Span<const std::byte> block,
                                          const LabelGeometry& geometry, int position);

  // The block as it is written at `position`: everything but sequence, slot count and bitmap
  // follows from the geometry, so that what was foreign on media is normal after the first rewrite.
  std::vector<std::byte> Encode(const LabelGeometry& geometry, int position) const;

  uint16_t major() const { return major_; }
  uint16_t minor() const { return minor_; }
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

  // The version that Encode writes: by the size of the labels, or that of CXL labels.
  void NormaliseVersion(const LabelGeometry& geometry);
  void set_cxl(bool cxl) { cxl_ = cxl; }

 private:
  LabelIndex() = default;

  uint32_t sequence_ = 0;
  uint16_t major_ = 0;
  uint16_t minor_ = 0;
  uint32_t slot_count_ = 0;
  bool cxl_ = false;
  std::vector<std::byte> bitmap_;  // to the end of the block: padding is carried along
};

// 1 -> 2 -> 3 -> 1.
uint32_t NextSequence(uint32_t sequence);

// The newer of two valid blocks, 0 or 1; of equals it is 1.
int NewerIndex(uint32_t sequence0, uint32_t sequence1);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_INDEX_H_
