#include "core/labels/dpa_space.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

std::string Describe(const Range& range) {
  return absl::StrCat("[0x", absl::Hex(range.start), ", 0x", absl::Hex(range.end()), ")");
}

// [start, end) cut inward to multiples of `align`; empty where nothing is left.
Range TrimInward(uint64_t start, uint64_t end, uint64_t align) {
  const auto padded = CheckedAdd(start, align - 1);
  if (!padded) return Range{};
  const uint64_t first = RoundDown(*padded, align);
  const uint64_t last = RoundDown(end, align);
  return first < last ? Range{first, last - first} : Range{};
}

// The free stretches of `window`, ascending, trimmed to `align`; empty ones are left out.
std::vector<Range> Gaps(const std::vector<DpaExtent>& extents, const Range& window,
                        uint64_t align) {
  std::vector<Range> gaps;
  uint64_t at = window.start;
  const auto add = [&](uint64_t end) {
    if (const Range gap = TrimInward(at, end, align); !gap.empty()) gaps.push_back(gap);
  };
  for (const DpaExtent& extent : extents) {
    if (!extent.dpa.Overlaps(window)) continue;
    add(extent.dpa.start);
    at = extent.dpa.end();
  }
  add(window.end());
  return gaps;
}

// What one extent takes from `window` once widened to `align`; nothing where it starts inside and
// its widened end lies outside, which makes the kernel report the mapping as full.
std::optional<uint64_t> Busy(const Range& extent, const Range& window, uint64_t align) {
  const uint64_t start = RoundDown(extent.start, align);
  const auto padded = CheckedAdd(extent.end(), align - 1);
  if (!padded) return window.Contains(start) ? std::nullopt : std::optional(uint64_t{0});
  const uint64_t end = RoundDown(*padded, align);
  if (window.Contains(start)) {
    if (end > window.end()) return std::nullopt;
    return end - start;
  }
  if (window.Contains(end - 1)) return end - start;
  if (start < window.start && end > window.end()) return window.size;
  return 0;
}

}  // namespace

absl::Status DpaSpace::Reserve(const DpaExtent& extent) {
  if (extent.dpa.empty() || !MakeRange(extent.dpa.start, extent.dpa.size))
    return Refusal(
        EBUSY, "dpa.range",
        absl::StrCat("reserve ", extent.dpa.size, " bytes at DPA 0x", absl::Hex(extent.dpa.start),
                     " for namespace ", extent.owner.ToString(), ": not a range of addresses"));
  const auto after = std::upper_bound(
      extents_.begin(), extents_.end(), extent.dpa.start,
      [](uint64_t start, const DpaExtent& other) { return start < other.dpa.start; });
  const DpaExtent* clash = nullptr;
  if (after != extents_.end() && after->dpa.Overlaps(extent.dpa)) clash = &*after;
  if (after != extents_.begin() && std::prev(after)->dpa.Overlaps(extent.dpa))
    clash = &*std::prev(after);
  if (clash != nullptr)
    return Refusal(
        EBUSY, "dpa.overlap",
        absl::StrCat("reserve DPA ", Describe(extent.dpa), " for namespace ",
                     extent.owner.ToString(), ": overlaps ", Describe(clash->dpa), " of namespace ",
                     clash->owner.ToString(), "; one of the two labels has to go"));
  extents_.insert(after, extent);
  starts_.emplace(extent.owner, extent.dpa.start);
  return absl::OkStatus();
}

std::vector<DpaExtent>::const_iterator DpaSpace::At(uint64_t start) const {
  return std::lower_bound(
      extents_.begin(), extents_.end(), start,
      [](const DpaExtent& extent, uint64_t start) { return extent.dpa.start < start; });
}

std::vector<DpaExtent>::iterator DpaSpace::At(uint64_t start) {
  return extents_.begin() + (std::as_const(*this).At(start) - extents_.cbegin());
}

std::vector<uint64_t> DpaSpace::StartsOf(const Uuid& owner) const {
  std::vector<uint64_t> starts;
  for (auto at = starts_.lower_bound({owner, 0}); at != starts_.end() && at->first == owner; ++at)
    starts.push_back(at->second);
  return starts;
}

absl::Status DpaSpace::Grow(const Uuid& owner, uint64_t n, const Range& window, uint64_t align) {
  if (n == 0) return absl::OkStatus();
  const std::vector<uint64_t> mine = StartsOf(owner);
  // Where the scan finds nothing: the mapping's own start, aligned or not.
  const Range first = {window.start, n};
  const auto overlaps = [this](const Range& range) {
    return std::any_of(extents_.begin(), extents_.end(), [&](const DpaExtent& extent) {
      return extent.dpa.Overlaps(range);
    });
  };
  if (mine.empty() && n <= window.size && !overlaps(window)) return Reserve({first, owner});
  const auto last = mine.empty() ? extents_.end() : At(mine.back());
  for (const Range& gap : Gaps(extents_, window, align)) {
    if (gap.size < n) continue;
    if (mine.empty()) return Reserve({Range{gap.start, n}, owner});
    if (gap.start == last->dpa.end()) {
      last->dpa.size += n;
      return absl::OkStatus();
    }
    if (gap.end() == last->dpa.start) {
      starts_.erase({owner, last->dpa.start});
      last->dpa = Range{last->dpa.start - n, last->dpa.size + n};
      starts_.emplace(owner, last->dpa.start);
      return absl::OkStatus();
    }
  }
  if (mine.empty() && n <= window.size && !overlaps(first)) return Reserve({first, owner});
  const uint64_t available = Available(window, align);
  return Refusal(
      ENOSPC, available < n ? "dpa.full" : "dpa.fragmented",
      absl::StrCat("allocate ", n, " bytes in DPA ", Describe(window), " for namespace ",
                   owner.ToString(), ": ", available, " bytes are free, the largest gap has ",
                   LargestGap(window, align),
                   mine.empty() ? std::string("; take a smaller size")
                                : absl::StrCat(", and a namespace can only grow where it lies, at ",
                                               Describe(last->dpa))));
}

void DpaSpace::Shrink(const Uuid& owner, uint64_t n) {
  std::vector<uint64_t> mine = StartsOf(owner);
  for (; !mine.empty() && n > 0; mine.pop_back()) {
    const auto extent = At(mine.back());
    if (n < extent->dpa.size) {
      extent->dpa.size -= n;
      return;
    }
    n -= extent->dpa.size;
    starts_.erase({owner, mine.back()});
    extents_.erase(extent);
  }
}

void DpaSpace::Release(const Uuid& owner) {
  for (const uint64_t start : StartsOf(owner)) {
    starts_.erase({owner, start});
    extents_.erase(At(start));
  }
}

void DpaSpace::Rename(const Uuid& from, const Uuid& to) {
  for (const uint64_t start : StartsOf(from)) {
    starts_.erase({from, start});
    starts_.emplace(to, start);
    At(start)->owner = to;
  }
}

void DpaSpace::Restore(const Uuid& owner, const std::vector<DpaExtent>& extents) {
  Release(owner);
  for (const DpaExtent& extent : extents) Reserve(extent).IgnoreError();  // it was free before
}

uint64_t DpaSpace::Allocated(const Uuid& owner) const {
  uint64_t bytes = 0;  // disjoint, so it cannot wrap
  for (const uint64_t start : StartsOf(owner)) bytes += At(start)->dpa.size;
  return bytes;
}

std::vector<DpaExtent> DpaSpace::ExtentsOf(const Uuid& owner) const {
  std::vector<DpaExtent> mine;
  for (const uint64_t start : StartsOf(owner)) mine.push_back(*At(start));
  return mine;
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
  // Where the first gap ends below `align` the kernel's arithmetic wraps and takes it for endless:
  // all or nothing goes where it would begin.
  uint64_t at = window.start;
  for (const DpaExtent& extent : extents_) {
    if (!extent.dpa.Overlaps(window)) continue;
    if (extent.dpa.start > window.start && extent.dpa.start < align) {
      const Range endless = {at == 0 ? 0 : align, left};
      const bool clashes =
          std::any_of(extents_.begin(), extents_.end(),
                      [&](const DpaExtent& other) { return other.dpa.Overlaps(endless); });
      return clashes ? 0 : left;
    }
    at = extent.dpa.end();
  }
  uint64_t largest = 0;
  for (const Range& gap : Gaps(extents_, window, align)) {
    const uint64_t reserved = std::min(gap.size, left);
    largest = std::max(largest, reserved);
    left -= reserved;
  }
  return largest;
}

}  // namespace nvdimmfs::core
