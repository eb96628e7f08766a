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
  // Reads and validates. Opening an area without a valid index block succeeds (has_index() is
  // false); verdict() says why it has none. Refused with ENXIO, "label.area.size", if two index
  // blocks and two labels do not fit, or the size does not fit in 32 bits. A read error in the
  // index blocks, or in labels in use, is passed on. `expected` is the label version to assume if
  // the index allows several and no label is valid.
  static absl::StatusOr<LabelArea> Open(std::shared_ptr<Media> media,
                                        const LabelVersion& expected = LabelV1_2());

  uint64_t size() const;
  LabelVerdict verdict() const;
  bool has_index() const;
  // The version with which labels are read and written. For an index of an unknown version, the
  // policy for those; without a valid index 1.2, as in kernels.
  const LabelVersion& version() const;
  // The version that the current index states. Without a valid index, that of labels of
  // label_size().
  LabelVersionNumber number() const;
  // Bytes: 128 or 256. Without a valid index, the largest size of which two labels fit.
  uint32_t label_size() const;
  uint32_t slot_count() const;
  uint32_t free_slots() const;  // according to the current index
  uint32_t sequence() const;    // 1..3; 0 for a blank area
  int current() const;          // 0 or 1; -1 for a blank area
  uint64_t slot_offset(uint32_t slot) const;

  // The valid labels in use, in slot order. The next Update or Initialise invalidates iterators.
  const std::vector<StoredLabel>& labels() const;
  // The same for region labels.
  const std::vector<StoredRegionLabel>& region_labels() const;
  // What Open noticed, with the reasons of label_verdict.h. An Update drops findings that it
  // repairs or frees.
  const std::vector<Finding>& findings() const;
  // The slots in use without a valid label: the owner and extent of their space are unknown.
  uint32_t unreadable_slots() const;
  std::vector<uint32_t> UnreadableSlots() const;

  // OK if a first label may take over this area: every byte of it is zero. Else refused with
  // "label.area.in_use" (EEXIST), "label.area.damaged" or "label.area.unreadable" (EUCLEAN). Reads
  // the whole area.
  absl::Status CheckBlank() const;
  // OK if Update may write. Refused with EOPNOTSUPP, "label.index.version", if the index has an
  // unknown version; with ENXIO, "label.index.none", if there is none.
  absl::Status CheckWritable() const;

  // Takes a blank area into use: writes two fresh index blocks (sequence 3 and 2), all slots free.
  // Refused as CheckBlank says, and with ENXIO, "label.area.size", if labels of `version` do not
  // fit. After a media error the object matches what the media then holds.
  absl::Status Initialise(const LabelVersion& version);
  // The same for any area, whatever it holds: gives up its labels, which only a user may request.
  // Slots are not touched. An area that has an index is emptied first, so that a power cut leaves
  // all of the old labels or none.
  absl::Status InitialiseOver(const LabelVersion& version);

  // One update: stores `label`, if given, in the lowest free slot, frees `slots_to_free`, and
  // commits the next index. Returns the slot (or nothing if it only freed slots). Refused with
  // ENXIO, "label.index.none" (blank area) or "label.slots.full", or with EINVAL,
  // "label.slot.range", for a slot that does not exist. After a refusal, or a media error before
  // the commit, the area on media is unchanged. If the commit itself meets a media error, it may or
  // may not have taken effect; this object keeps the old state and restores it on media before its
  // next Update. Durable when it returns (Drain and Flush). Drops fields that labels of the area's
  // version lack, and computes checksums.
  absl::StatusOr<std::optional<uint32_t>> Update(const std::optional<NamespaceLabel>& label,
                                                 absl::Span<const uint32_t> slots_to_free);
  // The same for a region's label. Refused with EINVAL, "label.region.version", if the version has
  // no region labels.
  absl::StatusOr<uint32_t> UpdateRegion(const RegionLabel& label,
                                        absl::Span<const uint32_t> slots_to_free);

  // Overwrites the index block that is not current with a valid one: an update that changes no
  // label. Refused as CheckWritable says.
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
