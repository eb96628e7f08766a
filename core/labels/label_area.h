// One DIMM's label storage area: two alternating index blocks and an array of label slots.
//
// Invariant on media: the current index block and the slots it marks used are never written; an
// update writes a free slot first and commits by writing the other index block with the next
// sequence number. Layout and protocol: label_format.md; UEFI specification, "NVDIMM label
// protocol".
//
// Thread rules: none of its own; the owner (a Dimm) is used under the bus lock.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_AREA_H_
#define NVDIMMFS_CORE_LABELS_LABEL_AREA_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/finding.h"
#include "core/labels/cxl_label.h"
#include "core/labels/label_verdict.h"
#include "core/labels/namespace_label.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

struct StoredLabel {
  uint32_t slot = 0;
  NamespaceLabel label;
};

struct StoredRegionLabel {
  uint32_t slot = 0;
  RegionLabel label;
};

// v2.1 is that of CXL: labels of 256 bytes, of namespaces and of regions (cxl_label.h).
enum class LabelVersion { kV1_1, kV1_2, kV2_1 };

class LabelArea {
 public:
  // Reads and validates. An area without a valid index block opens, too (has_index() false): what
  // it is says verdict(). Refused with ENXIO, reason "label.area.size", where two index blocks and
  // two labels do not fit, or the area is larger than 32 bits can say. A read error of the index
  // blocks, or of labels in use, is passed on. `expect_cxl` settles what an area is whose index
  // could be of either kind: see is_cxl().
  static absl::StatusOr<LabelArea> Open(std::shared_ptr<Media> media, bool expect_cxl = false);

  // Whether `media` holds at least one valid index block. Reads at most the index blocks.
  static bool HasIndex(const Media& media);
  // Where in an area of `size` bytes index blocks can begin: multiples of 256, ascending.
  static std::vector<uint64_t> IndexOffsets(uint64_t size);

  uint64_t size() const;
  LabelVerdict verdict() const;
  bool has_index() const;
  // Of the current index; for a blank area what the next Initialise will use (v1.2, 256-byte
  // labels; v1.1 where the area is too small for that).
  uint16_t major() const;
  uint16_t minor() const;
  bool is_v1_1() const;  // a valid index, of version 1.1 exactly
  // A valid index of version 2.1 or later under which all valid labels are CXL's, and there is one
  // or Open was told to expect them. Kernels that know no CXL labels keep v1.2 labels under such an
  // index until they first write it.
  bool is_cxl() const;
  uint32_t label_size() const;  // bytes: 128 or 256
  uint32_t slot_count() const;
  uint32_t free_slots() const;  // as the current index has them
  uint32_t sequence() const;    // 1..3; 0 for a blank area
  int current() const;          // 0 or 1; -1 for a blank area
  uint64_t slot_offset(uint32_t slot) const;

  // The slots in use whose label passes its own checks, in slot order. The next Update or
  // Initialise invalidates iterators.
  const std::vector<StoredLabel>& labels() const;
  // Likewise the labels of regions; only where is_cxl().
  const std::vector<StoredRegionLabel>& region_labels() const;
  // What Open noticed, by the reasons of label_verdict.h. What an Update repairs or frees is
  // dropped from the list.
  const std::vector<Finding>& findings() const;
  // The slots in use that hold no valid label: whose space they stand for is not known.
  uint32_t unreadable_slots() const;
  std::vector<uint32_t> UnreadableSlots() const;

  // OK where a first label may make this area its own: every byte of it is zero. Else refused with
  // "label.area.in_use" (EEXIST), "label.area.damaged" or "label.area.unreadable" (EUCLEAN). Reads
  // the whole area.
  absl::Status CheckBlank() const;
  // OK where Update may write. Refused with EOPNOTSUPP, "label.index.version", where the index is
  // of a version that this program does not know; with ENXIO, "label.index.none", where there is
  // none.
  absl::Status CheckWritable() const;

  // Takes a blank area into use: writes two fresh index blocks (sequence 3 and 2), all slots free.
  // Refused as CheckBlank says, and with ENXIO, "label.area.size", where labels of `version` do not
  // fit. After a media error the object shows what the media then holds.
  absl::Status Initialise(LabelVersion version);
  // The same for any area, whatever it holds: its labels are given up. That is for a user to say.
  // Slots are not touched. An area that has an index is emptied first, so that a power cut leaves
  // all of the old labels or none.
  absl::Status InitialiseOver(LabelVersion version);

  // One update: stores `label` in the lowest free slot, if there is a label, frees `slots_to_free`,
  // and commits the next index. Returns the slot (or nothing when only freeing). Refused with
  // ENXIO, "label.index.none" (blank area) or "label.slots.full", or with EINVAL,
  // "label.slot.range", for a slot that does not exist; then, and on a media error before the
  // commit, the area on media is as before. Where the commit itself meets a media error it may or
  // may not have taken place; this object goes on with the old state and restores it on media
  // before its next Update. Durable when it returns (Drain and Flush). An area drops the fields
  // that its version's labels lack; checksums are made here.
  absl::StatusOr<std::optional<uint32_t>> Update(const std::optional<NamespaceLabel>& label,
                                                 absl::Span<const uint32_t> slots_to_free);
  // The same for a region's label. Refused with EINVAL, "label.region.version", unless is_cxl().
  absl::StatusOr<uint32_t> UpdateRegion(const RegionLabel& label,
                                        absl::Span<const uint32_t> slots_to_free);

  // Makes a valid index block of the one that is not current, whatever it holds: an update that
  // changes no label. Refused as CheckWritable says.
  absl::Status RestoreTwin();

 private:
  struct State;
  using AnyLabel = std::variant<std::monostate, NamespaceLabel, RegionLabel>;
  explicit LabelArea(std::shared_ptr<State> state);
  absl::StatusOr<std::optional<uint32_t>> Store(const AnyLabel& label,
                                                absl::Span<const uint32_t> slots_to_free);
  std::shared_ptr<State> state_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_AREA_H_
