// SPDX-License-Identifier: Apache-2.0
#include "core/labels/dpa_space.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

std::string Describe(const Range& range) {
  return absl::StrCat("[0x", absl::Hex(range.start), ", 0x", absl::Hex(range.end()), ")");
}

// The bytes from `start` to the end of a 64-bit address space.
constexpr uint64_t BytesFrom(uint64_t start) { return uint64_t{0} - start; }

// A free part of a mapping, trimmed inward to the alignment, as in the kernel's scan.
struct Gap {
  uint64_t start = 0;
  uint64_t size = 0;
  // The gap ends below the alignment: its rounded end is 0, the kernel's last byte 0 - 1 wraps, and
  // the gap seems to extend from the alignment to the end of the address space. This happens even
  // for an empty gap between two adjacent extents.
  bool endless = false;
};

// [start, end), trimmed; nothing if no byte is left.
std::optional<Gap> Trim(uint64_t start, uint64_t end, uint64_t align) {
  const auto padded = CheckedAdd(start, align - 1);
  if (!padded) return std::nullopt;
  const uint64_t first = RoundDown(*padded, align);
  const uint64_t last = RoundDown(end, align);
  if (last == 0) {
    // From 0 on, the wrapped length is 2^64, which is 0 again: correctly not a gap.
    if (first == 0) return std::nullopt;
    return Gap{first, BytesFrom(first), true};
  }
  if (first >= last) return std::nullopt;
  return Gap{first, last - first};
}

// The gaps of `window` in ascending order.
std::vector<Gap> Gaps(const DpaExtents& extents, const Range& window, uint64_t align) {
  std::vector<Gap> gaps;
  uint64_t at = window.start;
  const auto add = [&](uint64_t end) {
    if (const auto gap = Trim(at, end, align)) gaps.push_back(*gap);
  };
  for (const DpaExtent& extent : extents) {
    if (!extent.dpa.Overlaps(window)) continue;
    if (extent.dpa.start > window.start) add(extent.dpa.start);
    at = extent.dpa.end();
  }
  add(window.end());
  return gaps;
}

// What one extent, widened to `align`, takes from `window`. Nothing if it starts inside and its
// widened end is outside: then the kernel reports the mapping as full.
std::optional<uint64_t> Busy(const Range& extent, const Range& window, uint64_t align) {
  const uint64_t first = RoundDown(extent.start, align);
  const auto padded = CheckedAdd(extent.end(), align - 1);
  // The last byte; that of the address space if rounding up overflows.
  const uint64_t last = padded ? RoundDown(*padded, align) - 1 : BytesFrom(1);
  if (window.Contains(first)) {
    if (!window.Contains(last)) return std::nullopt;
    return last - first + 1;
  }
  if (window.Contains(last)) return last - first + 1;
  return first < window.start && last >= window.end() ? window.size : 0;
}

}  // namespace

absl::Status DpaSpace::Reserve(const DpaExtent& extent) {
  if (extent.dpa.empty() || !MakeRange(extent.dpa.start, extent.dpa.size))
    return Refusal(
        EBUSY, "dpa.range",
        absl::StrCat("reserve ", extent.dpa.size, " bytes at DPA 0x", absl::Hex(extent.dpa.start),
                     " for namespace ", extent.owner.ToString(), ": not a range of addresses"));
  if (const DpaExtent* clash = FirstOverlap(extent.dpa); clash != nullptr)
    return Refusal(
        EBUSY, "dpa.overlap",
        absl::StrCat("reserve DPA ", Describe(extent.dpa), " for namespace ",
                     extent.owner.ToString(), ": overlaps ", Describe(clash->dpa), " of namespace ",
                     clash->owner.ToString(), "; delete one of the two labels"));
  Insert(extent);
  return absl::OkStatus();
}

void DpaSpace::Insert(const DpaExtent& extent) {
  extents_.insert(extent);
  starts_.emplace(extent.owner, extent.dpa.start);
}

void DpaSpace::Erase(const DpaExtent& extent) {
  starts_.erase({extent.owner, extent.dpa.start});
  extents_.erase(extents_.find(extent.dpa.start));
}

void DpaSpace::Replace(const DpaExtent& extent, const Range& dpa) {
  const DpaExtent changed = {dpa, extent.owner};
  Erase(extent);
  Insert(changed);
}

const DpaExtent* DpaSpace::FirstOverlap(const Range& range) const {
  // Extents are disjoint, so only the last one that starts below can extend into the range.
  auto at = extents_.upper_bound(range.start);
  if (at != extents_.begin() && std::prev(at)->dpa.Overlaps(range)) --at;
  return at != extents_.end() && at->dpa.Overlaps(range) ? &*at : nullptr;
}

std::vector<DpaExtent> DpaSpace::ExtentsOf(const Uuid& owner) const {
  std::vector<DpaExtent> mine;
  for (auto at = starts_.lower_bound({owner, 0}); at != starts_.end() && at->first == owner; ++at)
    mine.push_back(*extents_.find(at->second));
  return mine;
}

absl::Status DpaSpace::NoRoom(const Uuid& owner, uint64_t n, const Range& window, uint64_t align,
                              absl::string_view why) const {
  const uint64_t available = Available(window, align);
  return Refusal(ENOSPC, available < n ? "dpa.full" : "dpa.fragmented",
                 absl::StrCat("allocate ", n, " bytes in DPA ", Describe(window), " for namespace ",
                              owner.ToString(), ": ", available, " bytes are free, at most ",
                              LargestGap(window, align), " of them in one piece", why));
}

absl::Status DpaSpace::Grow(const Uuid& owner, uint64_t n, const Range& window, uint64_t align) {
  if (n == 0) return absl::OkStatus();
  const std::vector<DpaExtent> mine = ExtentsOf(owner);
  return mine.empty() ? Place(owner, n, window, align) : Extend(mine.back(), n, window, align);
}

absl::Status DpaSpace::Place(const Uuid& owner, uint64_t n, const Range& window, uint64_t align) {
  const auto place = [&](uint64_t start) -> absl::Status {
    const auto range = MakeRange(start, n);
    if (!range || !window.Contains(*range) || !IsFree(*range))
      return NoRoom(owner, n, window, align, "; choose a smaller size");
    return Reserve({*range, owner});
  };
  if (IsFree(window)) return place(window.start);
  for (const Gap& gap : Gaps(extents_, window, align))
    if (gap.size >= n) return place(gap.start);
  return place(window.start);
}

absl::Status DpaSpace::Extend(const DpaExtent& last, uint64_t n, const Range& window,
                              uint64_t align) {
  for (const Gap& gap : Gaps(extents_, window, align)) {
    if (gap.size < n || gap.endless) continue;
    if (gap.start == last.dpa.end()) {
      Replace(last, {last.dpa.start, last.dpa.size + n});
      return absl::OkStatus();
    }
    if (gap.start + gap.size == last.dpa.start) {
      Replace(last, {last.dpa.start - n, last.dpa.size + n});
      return absl::OkStatus();
    }
  }
  return NoRoom(
      last.owner, n, window, align,
      absl::StrCat(", and a namespace can only grow next to its extent, at ", Describe(last.dpa)));
}

void DpaSpace::Shrink(const Uuid& owner, uint64_t n) {
  std::vector<DpaExtent> mine = ExtentsOf(owner);
  for (; !mine.empty() && n > 0; mine.pop_back()) {
    const DpaExtent& extent = mine.back();
    if (n < extent.dpa.size) {
      Replace(extent, {extent.dpa.start, extent.dpa.size - n});
      return;
    }
    n -= extent.dpa.size;
    Erase(extent);
  }
}

void DpaSpace::Release(const Uuid& owner) {
  for (const DpaExtent& extent : ExtentsOf(owner)) Erase(extent);
}

void DpaSpace::Rename(const Uuid& from, const Uuid& to) {
  for (const DpaExtent& extent : ExtentsOf(from)) {
    Erase(extent);
    Insert({extent.dpa, to});
  }
}

void DpaSpace::Restore(const Uuid& owner, const std::vector<DpaExtent>& extents) {
  Release(owner);
  for (const DpaExtent& extent : extents) Reserve(extent).IgnoreError();  // it was free before
}

uint64_t DpaSpace::Allocated(const Uuid& owner) const {
  uint64_t bytes = 0;  // disjoint, so it cannot wrap
  for (auto at = starts_.lower_bound({owner, 0}); at != starts_.end() && at->first == owner; ++at)
    bytes += extents_.find(at->second)->dpa.size;
  return bytes;
}

uint64_t DpaSpace::Available(const Range& window, uint64_t align) const {
  uint64_t free = window.size;
  for (const DpaExtent& extent : extents_) {
    const std::optional<uint64_t> busy = Busy(extent.dpa, window, align);
    if (!busy || *busy >= free) return 0;
    free -= *busy;
  }
  return RoundDown(free, align);
}

uint64_t DpaSpace::LargestGap(const Range& window, uint64_t align) const {
  uint64_t left = Available(window, align);
  if (left == 0) return 0;
  uint64_t largest = 0;
  // If possible, the kernel reserves the available size as one piece from `start` on.
  const auto in_one_piece = [&](uint64_t start) -> uint64_t {
    const auto range = MakeRange(start, left);
    if (!range || !IsFree(*range)) return 0;
    const auto trimmed = Trim(range->start, range->end(), align);
    return trimmed ? trimmed->size : 0;
  };
  if (IsFree(window)) return in_one_piece(window.start);
  const std::vector<Gap> gaps = Gaps(extents_, window, align);
  if (gaps.empty()) return in_one_piece(window.start);
  for (const Gap& gap : gaps) {
    if (gap.endless) return in_one_piece(gap.start);
    const uint64_t reserved = std::min(gap.size, left);
    largest = std::max(largest, reserved);
    left -= reserved;
    if (left == 0) return largest;
  }
  return 0;
}

}  // namespace nvdimmfs::core
