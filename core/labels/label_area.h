// SPDX-License-Identifier: Apache-2.0
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
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/finding.h"
#include "core/labels/label_slots.h"
#include "core/labels/label_verdict.h"
#include "core/labels/label_version.h"
#include "core/labels/label_versions.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

class LabelArea {
 public:
  // Reads and validates. An area without a valid index block opens, too (has_index() false):
  // verdict() says what it is. Refused with ENXIO, reason "label.area.size", where two index blocks
  // and two labels do not fit, or the area is larger than 32 bits can say. A read error of the
  // index blocks, or of labels in use, is passed on. `expected` settles what an area is whose index
  // may lie over labels of several versions and which has no valid label.
  static absl::StatusOr<LabelArea> Open(std::shared_ptr<Media> media,
                                        const LabelVersion& expected = LabelV1_2());

  uint64_t size() const;
  LabelVerdict verdict() const;
  bool has_index() const;
  // What the labels are, and are written as. Under an index of a version that is not known, the
  // policy for those; without a valid index 1.2, as kernels take it.
  const LabelVersion& version() const;
  // What the current index states. Without a valid index, that of labels of label_size().
  LabelVersionNumber number() const;
  // Bytes: 128 or 256. Without a valid index the largest of which two fit.
  uint32_t label_size() const;
  uint32_t slot_count() const;
  uint32_t free_slots() const;  // as the current index has them
  uint32_t sequence() const;    // 1..3; 0 for a blank area
  int current() const;          // 0 or 1; -1 for a blank area
  uint64_t slot_offset(uint32_t slot) const;

  // The slots in use whose label passes its own checks, in slot order. The next Update or
  // Initialise invalidates iterators.
  const std::vector<StoredLabel>& labels() const;
  // Likewise the labels of regions.
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
  absl::Status Initialise(const LabelVersion& version);
  // The same for any area, whatever it holds: its labels are given up. That is for a user to say.
  // Slots are not touched. An area that has an index is emptied first, so that a power cut leaves
  // all of the old labels or none.
  absl::Status InitialiseOver(const LabelVersion& version);

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
  // The same for a region's label. Refused with EINVAL, "label.region.version", where the
  // version has none.
  absl::StatusOr<uint32_t> UpdateRegion(const RegionLabel& label,
                                        absl::Span<const uint32_t> slots_to_free);

  // Makes a valid index block of the one that is not current, whatever it holds: an update that
  // changes no label. Refused as CheckWritable says.
  absl::Status RestoreTwin();

 private:
  struct State;
  explicit LabelArea(std::shared_ptr<State> state);
  absl::StatusOr<std::optional<uint32_t>> Store(const std::optional<AnyLabel>& label,
                                                absl::Span<const uint32_t> slots_to_free);
  std::shared_ptr<State> state_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_AREA_H_
