// SPDX-License-Identifier: Apache-2.0
// The owners of one DIMM's bytes: a sorted list of disjoint extents, each owned by a namespace
// UUID, and the kernel's allocation rules. Pure bookkeeping; nothing here touches media.
//
// `window` arguments are a mapping: the part of the DIMM that a region uses. `align` is the
// region's align divided by its mappings (a power of two, >= 4096).
#ifndef NVDIMMFS_CORE_LABELS_DPA_SPACE_H_
#define NVDIMMFS_CORE_LABELS_DPA_SPACE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/range.h"
#include "core/base/uuid.h"

namespace nvdimmfs::core {

struct DpaExtent {
  Range dpa;
  Uuid owner;
  friend bool operator==(const DpaExtent&, const DpaExtent&) = default;
};

// Extents in ascending order. Disjoint ones have different starts.
struct ByStart {
  using is_transparent = void;
  static uint64_t StartOf(const DpaExtent& extent) { return extent.dpa.start; }
  static uint64_t StartOf(uint64_t start) { return start; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return StartOf(a) < StartOf(b);
  }
};
using DpaExtents = absl::btree_set<DpaExtent, ByStart>;

class DpaSpace {
 public:
  const DpaExtents& extents() const { return extents_; }
  bool IsFree(const Range& range) const { return FirstOverlap(range) == nullptr; }

  // Records an extent that a label names. Refused with EBUSY: "dpa.overlap" if it overlaps another
  // (adjacent extents of one owner stay separate), "dpa.range" if it is empty or its end wraps.
  absl::Status Reserve(const DpaExtent& extent);

  // Gives `owner` n more bytes: first fit over the gaps of `window`, ascending, trimmed to `align`;
  // at the window's start, aligned or not, if nothing is allocated yet or no gap is large enough.
  // Another allocation must touch the owner's last extent (extending it upward or downward), else
  // ENOSPC, "dpa.fragmented". (The kernel instead makes a second extent that its label cannot
  // record; that defect is not copied.) If fewer than n bytes are free in total, the reason is
  // "dpa.full". All or nothing.
  absl::Status Grow(const Uuid& owner, uint64_t n, const Range& window, uint64_t align);
  // Takes n bytes back from the owner's highest extents.
  void Shrink(const Uuid& owner, uint64_t n);
  void Release(const Uuid& owner);
  void Rename(const Uuid& from, const Uuid& to);

  // Releases the current extents of `owner` and gives it back `extents`, which it had before.
  void Restore(const Uuid& owner, const std::vector<DpaExtent>& extents);

  uint64_t Allocated(const Uuid& owner) const;                // bytes, over all extents
  std::vector<DpaExtent> ExtentsOf(const Uuid& owner) const;  // ascending

  // `available_size` of one mapping: extents widened to `align` count.
  uint64_t Available(const Range& window, uint64_t align) const;
  // `max_available_extent` of one mapping: the largest of the gaps, trimmed inward to `align`, when
  // Available() bytes are reserved in them in ascending order. As Available() counts an align unit
  // that two extents share twice, that may be less than the largest gap. As in the kernel, it is 0
  // if the reservation fails: in an unaligned mapping whose gaps hold less than Available(), and if
  // a gap between two extents below `align` (dpa_space.cc, Gap::endless) cannot hold it.
  uint64_t LargestGap(const Range& window, uint64_t align) const;

 private:
  void Insert(const DpaExtent& extent);
  void Erase(const DpaExtent& extent);
  void Replace(const DpaExtent& extent, const Range& dpa);
  const DpaExtent* FirstOverlap(const Range& range) const;
  absl::Status Place(const Uuid& owner, uint64_t n, const Range& window, uint64_t align);
  absl::Status Extend(const DpaExtent& last, uint64_t n, const Range& window, uint64_t align);
  absl::Status NoRoom(const Uuid& owner, uint64_t n, const Range& window, uint64_t align,
                      absl::string_view why) const;

  DpaExtents extents_;
  absl::btree_set<std::pair<Uuid, uint64_t>> starts_;  // of the extents, by owner
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_DPA_SPACE_H_
