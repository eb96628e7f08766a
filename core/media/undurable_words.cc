// SPDX-License-Identifier: Apache-2.0
#include "core/media/undurable_words.h"

#include <algorithm>
#include <cstring>

namespace nvdimmfs::core {
namespace {

// What a seed decides: the share of the words that arrive, the value of a word, and (kHoleKind + n)
// whether the nth hole of a page arrives.
enum : uint64_t { kShareKind, kWordKind, kHoleKind };

uint64_t Load(absl::Span<const std::byte> bytes, size_t at) {
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + at, std::min<size_t>(sizeof word, bytes.size() - at));
  return word;
}

}  // namespace

void UndurableWords::Remember(uint64_t offset, absl::Span<const std::byte> before,
                              absl::Span<const std::byte> after, const Range& punched) {
  ++serial_;
  for (size_t at = 0; at < after.size(); at += kWord) {
    const uint64_t number = (offset + at) / kPage;
    const size_t word = (offset + at) % kPage / kWord;
    const uint64_t old = Load(before, at);
    auto found = pages_.find(number);
    const bool is_new = found == pages_.end() || found->second->latest[word] == 0;
    // A word that had this value already cannot lose it.
    if (old == Load(after, at)) continue;
    if (found == pages_.end()) found = pages_.emplace(number, std::make_unique<Page>()).first;
    Page& page = *found->second;
    if (is_new) {
      page.durable[word] = old;
      ++page.words;
      ++count_;
    } else {
      page.between[word].push_back({old, page.latest[word]});
    }
    page.latest[word] = serial_;
    if (punched.Contains(Range{number * kPage, kPage}) &&
        (page.holes.empty() || page.holes.back() != serial_))
      page.holes.push_back(serial_);
  }
}

void UndurableWords::Stored(uint64_t offset, absl::Span<const std::byte> before,
                            absl::Span<const std::byte> after) {
  Remember(offset, before, after, {});
}

void UndurableWords::Punched(const Range& range, uint64_t offset,
                             absl::Span<const std::byte> before,
                             absl::Span<const std::byte> after) {
  Remember(offset, before, after, range);
}

void UndurableWords::Pushed(uint64_t thread, const Range& range) {
  if (range.empty()) return;
  std::vector<Push>& pushes = pushed_[thread];
  // A long write arrives in pieces. The later serial also covers the earlier piece, whose words are
  // not newer than it.
  if (!pushes.empty() && pushes.back().range.end() == range.start &&
      pushes.back().serial + 1 >= serial_) {
    pushes.back().range.size += range.size;
    pushes.back().serial = serial_;
    return;
  }
  pushes.push_back({range, serial_});
}

void UndurableWords::SettleWord(Page& page, size_t word, uint64_t serial) {
  if (page.latest[word] == 0) return;
  const auto between = page.between.find(word);
  if (page.latest[word] <= serial) {
    page.latest[word] = 0;
    if (between != page.between.end()) page.between.erase(between);
    --page.words;
    --count_;
    return;
  }
  if (between == page.between.end()) return;
  // The value that it had when it was pushed is on the media now, or a later one is.
  std::vector<Candidate>& older = between->second;
  size_t kept = 0;
  while (kept < older.size() && older[kept].serial <= serial)
    page.durable[word] = older[kept++].value;
  older.erase(older.begin(), older.begin() + static_cast<ptrdiff_t>(kept));
  if (older.empty()) page.between.erase(between);
}

void UndurableWords::Settle(const Push& push) {
  const Range& range = push.range;
  const uint64_t first = RoundDown(range.start, kWord), end = range.end();
  for (auto it = pages_.lower_bound(first / kPage);
       it != pages_.end() && it->first * kPage < end;) {
    const uint64_t start = it->first * kPage;
    Page& page = *it->second;
    const size_t from = first > start ? (first - start) / kWord : 0;
    const size_t to = std::min<uint64_t>(kWordsInPage, (end - start + kWord - 1) / kWord);
    for (size_t word = from; word < to; ++word) SettleWord(page, word, push.serial);
    it = page.words == 0 ? pages_.erase(it) : std::next(it);
  }
}

void UndurableWords::Drained(uint64_t thread) {
  const auto found = pushed_.find(thread);
  if (found == pushed_.end()) return;
  for (const Push& push : found->second) Settle(push);
  pushed_.erase(found);
}

void UndurableWords::Flushed() {
  for (const auto& [thread, pushes] : pushed_)
    for (const Push& push : pushes) Settle(push);
  pushed_.clear();
  for (const Push& hole : holes_) Settle(hole);
  holes_.clear();
}

bool UndurableWords::Outcomes(const SeededChoice& choice, uint64_t number, const Page& page,
                              size_t word, std::vector<uint64_t>& values) const {
  values.assign(1, page.durable[word]);
  // Whether what was stored under this serial arrives. A hole arrives as a whole, and then replaces
  // everything before it.
  const auto arrives = [&](uint64_t serial) {
    const auto hole = std::find(page.holes.begin(), page.holes.end(), serial);
    if (hole == page.holes.end()) return true;
    const auto nth = static_cast<uint64_t>(hole - page.holes.begin());
    if (choice.Number(kHoleKind + nth, number) % 2 == 0) return false;
    values.clear();
    return true;
  };
  if (const auto between = page.between.find(word); between != page.between.end())
    for (const Candidate& candidate : between->second)
      if (arrives(candidate.serial)) values.push_back(candidate.value);
  return arrives(page.latest[word]);
}

void UndurableWords::Tear(uint64_t seed,
                          const std::function<void(uint64_t, uint64_t)>& each) const {
  const SeededChoice choice(seed);
  // Sparse and dense subsets reveal most defects, so the share of words that arrive is chosen
  // first.
  const uint64_t share = choice.Number(kShareKind, 0) % 5;
  const auto pick = [&](uint64_t offset, size_t n) -> size_t {
    const uint64_t number = choice.Number(kWordKind, offset);
    if (share == 0) return number % 64 == 0 ? n - 1 : 0;
    if (share == 1) return number % 64 == 0 ? 0 : n - 1;
    return number % n;
  };
  std::vector<uint64_t> values;
  for (const auto& [number, page] : pages_)
    for (size_t word = 0; word < kWordsInPage; ++word) {
      if (page->latest[word] == 0) continue;
      const uint64_t offset = number * kPage + word * kWord;
      const bool latest_too = Outcomes(choice, number, *page, word, values);
      const size_t n = values.size() + (latest_too ? 1 : 0);
      const size_t chosen = n == 1 ? 0 : pick(offset, n);
      if (chosen < values.size()) each(offset, values[chosen]);
    }
}

void UndurableWords::Clear() {
  pages_.clear();
  pushed_.clear();
  holes_.clear();
  count_ = 0;
}

}  // namespace nvdimmfs::core
