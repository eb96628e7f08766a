// SPDX-License-Identifier: Apache-2.0
#include "core/media/poison_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace nvdimmfs::core {
namespace {

uint64_t UnitOf(uint64_t offset) { return offset / kPoisonUnit; }
// One past the last unit that a range ending at `end` touches; does not wrap for any `end`.
uint64_t UnitsTo(uint64_t end) { return end / kPoisonUnit + (end % kPoisonUnit != 0 ? 1 : 0); }

}  // namespace

bool PoisonList::OverlapsUnits(uint64_t first, uint64_t end) const {
  auto after = ends_.lower_bound(end);
  return after != ends_.begin() && std::prev(after)->second > first;
}

bool PoisonList::HoldsUnit(uint64_t unit) const { return OverlapsUnits(unit, unit + 1); }

bool PoisonList::Overlaps(const Range& range) const {
  if (empty() || range.empty()) return false;
  absl::ReaderMutexLock lock(&mutex_);
  return OverlapsUnits(UnitOf(range.start), UnitsTo(range.end()));
}

bool PoisonList::CoversWhole(const Range& range) const {
  if (empty() || range.empty()) return true;
  absl::ReaderMutexLock lock(&mutex_);
  // Only the first and the last unit can be covered in part.
  const bool head = range.start % kPoisonUnit != 0 && HoldsUnit(UnitOf(range.start));
  const bool tail = range.end() % kPoisonUnit != 0 && HoldsUnit(UnitOf(range.end()));
  return !head && !tail;
}

void PoisonList::Add(const Range& range) {
  if (range.empty()) return;
  uint64_t first = UnitOf(range.start);
  uint64_t end = UnitsTo(range.end());
  {
    absl::MutexLock lock(&mutex_);
    // Merge everything that overlaps or touches [first, end).
    auto it = ends_.upper_bound(end);
    while (it != ends_.begin() && std::prev(it)->second >= first) {
      --it;
      first = std::min(first, it->first);
      end = std::max(end, it->second);
      it = ends_.erase(it);
    }
    ends_[first] = end;
    empty_.store(false, std::memory_order_release);
  }
  Tell(PoisonChange::kWentBad);
}

void PoisonList::Clear(const Range& range) {
  const uint64_t first = UnitsTo(range.start);
  const uint64_t end = UnitOf(range.end());
  if (empty() || first >= end) return;
  bool healed = false;
  {
    absl::MutexLock lock(&mutex_);
    auto it = ends_.lower_bound(end);
    while (it != ends_.begin() && std::prev(it)->second > first) {
      --it;
      healed = true;
      const auto [old_first, old_end] = *it;
      it = ends_.erase(it);
      if (old_end > end) it = ends_.emplace(end, old_end).first;
      if (old_first < first) it = ends_.emplace(old_first, first).first;
    }
    empty_.store(ends_.empty(), std::memory_order_release);
  }
  if (healed) Tell(PoisonChange::kHealed);
}

void PoisonList::Observe(std::weak_ptr<PoisonObserver> observer) {
  absl::MutexLock lock(&mutex_);
  // Expired observers are dropped when the list has doubled: a thousand disks may come and go.
  if (observers_.size() >= drop_gone_at_) {
    std::erase_if(observers_, [](const auto& known) { return known.expired(); });
    drop_gone_at_ = std::max(kFewObservers, 2 * observers_.size());
  }
  observers_.push_back(std::move(observer));
}

void PoisonList::Tell(PoisonChange change) {
  std::vector<std::weak_ptr<PoisonObserver>> observers;
  {
    absl::ReaderMutexLock lock(&mutex_);
    observers = observers_;
  }
  for (const auto& known : observers)
    if (const auto observer = known.lock()) observer->PoisonChanged(change);
}

std::vector<Range> PoisonList::ranges() const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<Range> ranges;
  for (const auto& [first, end] : ends_)
    ranges.push_back({first * kPoisonUnit, (end - first) * kPoisonUnit});
  return ranges;
}

}  // namespace nvdimmfs::core
