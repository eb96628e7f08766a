// SPDX-License-Identifier: Apache-2.0
#include "core/testing/faulty_media.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"

namespace nvdimmfs::testing {
namespace {

absl::Status PoisonRefusal(uint64_t offset, uint64_t length) {
  return core::Refusal(EIO, "media.poison",
                       absl::StrCat(length, " bytes at ", offset, " touch bad cells"));
}

}  // namespace

FaultyMedia::FaultyMedia(uint64_t size) : size_(size) {}
FaultyMedia::~FaultyMedia() = default;

std::shared_ptr<FaultyMedia> FaultyMedia::Clone() const {
  auto clone = std::make_shared<FaultyMedia>(size_);
  absl::MutexLock lock(&mutex_);
  absl::MutexLock clone_lock(&clone->mutex_);
  clone->pages_ = pages_;
  clone->undurable_ = undurable_;
  clone->pushed_ = pushed_;
  clone->holes_ = holes_;
  clone->bad_units_ = bad_units_;
  clone->serial_ = serial_;
  return clone;
}

// --- Power ---------------------------------------------------------------------------------------

void FaultyMedia::CutBefore(int64_t step) {
  absl::MutexLock lock(&mutex_);
  cut_before_ = steps_ + step;
}

bool FaultyMedia::cut() const {
  absl::MutexLock lock(&mutex_);
  return cut_;
}

int64_t FaultyMedia::steps() const {
  absl::MutexLock lock(&mutex_);
  return steps_;
}

void FaultyMedia::FailAt(int64_t step) {
  absl::MutexLock lock(&mutex_);
  fail_at_ = steps_ + step;
}

void FaultyMedia::Seed(SeededBug bug, int64_t first, int64_t last) {
  absl::MutexLock lock(&mutex_);
  bug_ = bug;
  bug_first_ = steps_ + first;
  bug_last_ = steps_ + last;
}

std::vector<MediaStep> FaultyMedia::history() const {
  absl::MutexLock lock(&mutex_);
  return history_;
}

void FaultyMedia::OnStep(std::function<void(int64_t)> hook) {
  absl::MutexLock lock(&mutex_);
  hook_ = std::move(hook);
}

void FaultyMedia::OnRead(std::function<void(uint64_t, size_t)> hook) {
  absl::MutexLock lock(&mutex_);
  read_hook_ = std::move(hook);
}

absl::Status FaultyMedia::CheckPower() const {
  return cut_ ? core::Refusal(EIO, "media.cut", "power is gone") : absl::OkStatus();
}

absl::StatusOr<FaultyMedia::Turn> FaultyMedia::Step(MediaStep::Kind kind) {
  std::function<void(int64_t)> hook;
  int64_t step;
  {
    absl::MutexLock lock(&mutex_);
    hook = hook_;
    step = steps_;
  }
  if (hook) hook(step);
  absl::MutexLock lock(&mutex_);
  const int64_t mine = steps_++;
  if (cut_before_ && mine >= *cut_before_) cut_ = true;
  if (fail_at_ && mine == *fail_at_)
    return core::Refusal(EIO, "media.fault", absl::StrCat("step ", mine, " was told to fail"));
  RETURN_IF_ERROR(CheckPower());
  history_.push_back({.kind = kind});
  if (bug_ == SeededBug::kForgotten && mine >= bug_first_ && mine <= bug_last_) return Turn::kNever;
  return bug_ == SeededBug::kLate && mine == bug_first_ ? Turn::kLater : Turn::kNow;
}

void FaultyMedia::Note(bool effective, bool pushes) {
  if (history_.empty()) return;
  history_.back().effective = effective;
  history_.back().pushes = pushes;
}

absl::Status FaultyMedia::CatchUp() {
  std::function<absl::Status()> late;
  {
    absl::MutexLock lock(&mutex_);
    if (steps_ > bug_last_) late.swap(late_);
  }
  return late ? late() : absl::OkStatus();
}

size_t FaultyMedia::undurable_words() const {
  absl::MutexLock lock(&mutex_);
  return undurable_.size();
}

namespace {

// Enumerates all sequences of choices of a deterministic chooser.
class EveryChoice {
 public:
  size_t Choose(size_t n) {
    if (at_ == digits_.size()) digits_.push_back({0, n});
    return digits_[at_++].digit;
  }
  // Repeats the same choices.
  bool Again() {
    at_ = 0;
    return true;
  }
  // False after the last.
  bool Next() {
    at_ = 0;
    while (!digits_.empty() && digits_.back().digit + 1 == digits_.back().base) digits_.pop_back();
    if (digits_.empty()) return false;
    ++digits_.back().digit;
    return true;
  }

 private:
  struct Digit {
    size_t digit, base;
  };
  std::vector<Digit> digits_;
  size_t at_ = 0;
};

}  // namespace

uint64_t FaultyMedia::CountOutcomes(uint64_t most) const {
  absl::MutexLock lock(&mutex_);
  EveryChoice choice;
  uint64_t count = 0;
  do {
    Decide([&](uint64_t, size_t n) { return choice.Choose(n); }, [](uint64_t, uint64_t) {});
    ++count;
  } while (count < most && choice.Next());
  return count;
}

void FaultyMedia::Decide(const Choose& choose,
                         const std::function<void(uint64_t, uint64_t)>& each) const {
  std::map<std::pair<uint64_t, uint64_t>, bool> holes;  // (page, serial): whether it arrived
  std::vector<uint64_t> values;
  for (const auto& [word, history] : undurable_) {
    values.clear();
    for (const Candidate& candidate : history) {
      if (!candidate.is_hole) {
        values.push_back(candidate.value);
        continue;
      }
      const auto [hole, is_new] = holes.try_emplace({word / kPage, candidate.serial}, false);
      if (is_new) hole->second = choose(word, 2) == 1;
      if (hole->second) values.assign(1, candidate.value);  // earlier values are gone
    }
    each(word, values.size() == 1 ? values[0] : values[choose(word, values.size())]);
  }
}

std::shared_ptr<FaultyMedia> FaultyMedia::Resolve(const Choose& choose) const {
  auto after = Clone();
  absl::MutexLock lock(&after->mutex_);
  std::vector<std::pair<uint64_t, uint64_t>> decided;
  after->Decide(choose, [&](uint64_t word, uint64_t value) { decided.emplace_back(word, value); });
  for (const auto& [word, value] : decided) {
    std::array<std::byte, 8> bytes;
    core::StoreLe(bytes.data(), value);
    after->Place(word, bytes);
  }
  after->undurable_.clear();
  after->pushed_.clear();
  after->holes_.clear();
  return after;
}

std::vector<std::shared_ptr<FaultyMedia>> FaultyMedia::Outcomes(
    uint64_t most, uint64_t seed, const std::vector<core::Range>& read) const {
  std::vector<std::shared_ptr<FaultyMedia>> outcomes;
  if (CountOutcomes(most + 1) <= most) {
    EveryChoice choice;
    do {
      outcomes.push_back(Resolve([&](uint64_t, size_t n) { return choice.Choose(n); }));
    } while (choice.Next());
    return outcomes;
  }
  outcomes.push_back(Resolve([](uint64_t, size_t) { return size_t{0}; }));
  outcomes.push_back(Resolve([](uint64_t, size_t n) { return n - 1; }));
  const auto is_read = [&](uint64_t word) {
    return std::any_of(read.begin(), read.end(), [&](const core::Range& range) {
      return word + 8 > range.start && word < range.end();
    });
  };
  if (!read.empty()) {
    EveryChoice choice;
    bool newest = false;
    do {
      outcomes.push_back(Resolve([&](uint64_t word, size_t n) {
        if (is_read(word)) return choice.Choose(n);
        return newest ? n - 1 : 0;
      }));
      newest = !newest;
    } while (outcomes.size() < most / 2 && (newest ? choice.Again() : choice.Next()));
  }
  while (outcomes.size() < most) outcomes.push_back(Restart(seed + outcomes.size()));
  return outcomes;
}

std::shared_ptr<FaultyMedia> FaultyMedia::Restart(uint64_t seed) const {
  std::mt19937_64 random(seed);
  // Bugs show in sparse and dense subsets, so the share of words that arrive is drawn first.
  const uint64_t share = random() % 5;
  return Resolve([&](uint64_t, size_t n) -> size_t {
    if (share == 0) return random() % 64 == 0 ? n - 1 : 0;
    if (share == 1) return random() % 64 == 0 ? 0 : n - 1;
    return random() % n;
  });
}

// --- Bad cells -----------------------------------------------------------------------------------

void FaultyMedia::Poison(const core::Range& range) {
  absl::MutexLock lock(&mutex_);
  for (uint64_t unit = range.start / kUnit; unit * kUnit < range.end(); ++unit)
    bad_units_.insert(unit);
}

bool FaultyMedia::poisoned() const {
  absl::MutexLock lock(&mutex_);
  return !bad_units_.empty();
}

bool FaultyMedia::Touches(const core::Range& range) const {
  if (range.empty()) return false;
  const auto first = bad_units_.lower_bound(range.start / kUnit);
  return first != bad_units_.end() && *first * kUnit < range.end();
}

absl::Status FaultyMedia::HealByStore(const core::Range& range) {
  if (!Touches(range)) return absl::OkStatus();
  const uint64_t first = core::RoundUp(range.start, kUnit) / kUnit;
  const uint64_t last = range.end() / kUnit;
  for (auto it = bad_units_.lower_bound(range.start / kUnit);
       it != bad_units_.end() && *it * kUnit < range.end(); ++it)
    if (*it < first || *it >= last) return PoisonRefusal(range.start, range.size);
  bad_units_.erase(bad_units_.lower_bound(first), bad_units_.lower_bound(last));
  return absl::OkStatus();
}

bool FaultyMedia::IsPoisoned(uint64_t offset, uint64_t length) const {
  absl::MutexLock lock(&mutex_);
  return core::Fits(offset, length, size_) && Touches({offset, length});
}

absl::Status FaultyMedia::ClearPoison(uint64_t offset, uint64_t length) {
  ASSIGN_OR_RETURN(const Turn turn, Step(MediaStep::Kind::kOther));
  if (!core::Fits(offset, length, size_)) return core::OutsideMedia(offset, length, size_);
  if (turn == Turn::kNever) return absl::OkStatus();
  if ((offset | length) % kUnit != 0)
    return core::Refusal(ENXIO, "media.alignment", "poison is cleared in units of 512 bytes");
  absl::MutexLock lock(&mutex_);
  return HealByStore({offset, length});
}

// --- Bytes ---------------------------------------------------------------------------------------

void FaultyMedia::Copy(uint64_t offset, absl::Span<std::byte> out) const {
  while (!out.empty()) {
    const uint64_t skip = offset % kPage;
    const size_t part = std::min<uint64_t>(out.size(), kPage - skip);
    const auto page = pages_.find(offset / kPage);
    if (page == pages_.end())
      std::memset(out.data(), 0, part);
    else
      std::memcpy(out.data(), page->second->data() + skip, part);
    offset += part;
    out.remove_prefix(part);
  }
}

void FaultyMedia::Place(uint64_t offset, absl::Span<const std::byte> data) {
  while (!data.empty()) {
    const uint64_t skip = offset % kPage;
    const size_t part = std::min<uint64_t>(data.size(), kPage - skip);
    std::shared_ptr<Page>& page = pages_[offset / kPage];
    if (page == nullptr)
      page = std::make_shared<Page>();
    else if (page.use_count() > 1)
      page = std::make_shared<Page>(*page);
    std::memcpy(page->data() + skip, data.data(), part);
    offset += part;
    data.remove_prefix(part);
  }
}

uint64_t FaultyMedia::Word(uint64_t at) const {
  std::array<std::byte, 8> bytes{};
  Copy(at, absl::MakeSpan(bytes).first(std::min<uint64_t>(8, size_ - at)));
  return core::LoadLe<uint64_t>(bytes.data());
}

void FaultyMedia::Remember(uint64_t word, uint64_t before, uint64_t after, bool is_hole) {
  const auto found = undurable_.find(word);
  if (found == undurable_.end()) {
    if (before != after) undurable_[word] = {{before, 0}, {after, serial_, is_hole}};
  } else if (found->second.back().value != after) {
    found->second.push_back({after, serial_, is_hole});
  }
}

absl::Status FaultyMedia::Read(uint64_t offset, absl::Span<std::byte> out) const {
  if (!core::Fits(offset, out.size(), size_)) return core::OutsideMedia(offset, out.size(), size_);
  std::function<void(uint64_t, size_t)> hook;
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckPower());
    if (Touches({offset, out.size()})) return PoisonRefusal(offset, out.size());
    Copy(offset, out);
    hook = read_hook_;
  }
  if (hook) hook(offset, out.size());
  return absl::OkStatus();
}

absl::Status FaultyMedia::Store(uint64_t offset, absl::Span<const std::byte> data, bool push) {
  ASSIGN_OR_RETURN(const Turn turn, Step(MediaStep::Kind::kStore));
  if (!core::Fits(offset, data.size(), size_))
    return core::OutsideMedia(offset, data.size(), size_);
  {
    absl::MutexLock lock(&mutex_);
    if (turn == Turn::kNever) return absl::OkStatus();
    if (bug_ == SeededBug::kNotPushed && bug_first_ == steps_ - 1) push = false;
    if (turn == Turn::kLater) {
      late_ = [this, offset, push, copy = std::vector<std::byte>(data.begin(), data.end())] {
        absl::MutexLock late_lock(&mutex_);
        return Apply(offset, copy, push);
      };
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Apply(offset, data, push));
  }
  return CatchUp();
}

absl::Status FaultyMedia::Apply(uint64_t offset, absl::Span<const std::byte> data, bool push) {
  RETURN_IF_ERROR(HealByStore({offset, data.size()}));
  ++serial_;
  bool changed = false;
  for (size_t done = 0; done < data.size();) {
    const uint64_t word = core::RoundDown(offset + done, 8);
    const size_t part = std::min<size_t>(data.size() - done, word + 8 - (offset + done));
    const uint64_t before = Word(word);
    Place(offset + done, data.subspan(done, part));
    const uint64_t after = Word(word);
    changed = changed || after != before;
    Remember(word, before, after);
    done += part;
  }
  const bool pushed = push && PushWords(offset, data.size());
  Note(changed, pushed);
  return absl::OkStatus();
}

absl::Status FaultyMedia::Write(uint64_t offset, absl::Span<const std::byte> data) {
  return Store(offset, data, false);
}

absl::Status FaultyMedia::WriteThrough(uint64_t offset, absl::Span<const std::byte> data) {
  return Store(offset, data, true);
}

absl::Status FaultyMedia::Store32(uint64_t offset, uint32_t value) {
  if (offset % 4 != 0) return core::Refusal(EIO, "media.alignment", "word store off its alignment");
  std::array<std::byte, 4> bytes;
  core::StoreLe(bytes.data(), value);
  return Store(offset, bytes, false);
}

absl::Status FaultyMedia::Store64(uint64_t offset, uint64_t value) {
  if (offset % 8 != 0) return core::Refusal(EIO, "media.alignment", "word store off its alignment");
  std::array<std::byte, 8> bytes;
  core::StoreLe(bytes.data(), value);
  return Store(offset, bytes, false);
}

// --- Durability ----------------------------------------------------------------------------------

bool FaultyMedia::PushWords(uint64_t offset, uint64_t length) {
  if (length == 0) return false;
  auto& mine = pushed_[std::this_thread::get_id()];
  const size_t before = mine.size();
  for (auto it = undurable_.lower_bound(core::RoundDown(offset, 8));
       it != undurable_.end() && it->first < offset + length; ++it)
    mine.push_back({it->first, serial_});
  return mine.size() != before;
}

// The media now has the words' values at the time of the push, or later ones.
bool FaultyMedia::Settle(std::vector<Pushed>& pushed) {
  bool settled = false;
  for (const Pushed& push : pushed) {
    const auto found = undurable_.find(push.word);
    if (found == undurable_.end()) continue;
    History& history = found->second;
    size_t durable = 0;
    while (durable + 1 < history.size() && history[durable + 1].serial <= push.serial) ++durable;
    settled = settled || durable != 0;
    history.erase(history.begin(), history.begin() + durable);
    history.front().is_hole = false;
    if (history.size() == 1) undurable_.erase(found);
  }
  pushed.clear();
  return settled;
}

absl::Status FaultyMedia::Push(uint64_t offset, uint64_t length) {
  ASSIGN_OR_RETURN(const Turn turn, Step(MediaStep::Kind::kPush));
  if (!core::Fits(offset, length, size_)) return core::OutsideMedia(offset, length, size_);
  if (turn == Turn::kNever) return absl::OkStatus();
  {
    absl::MutexLock lock(&mutex_);
    Note(PushWords(offset, length));
  }
  return CatchUp();
}

absl::Status FaultyMedia::Fence(bool holes) {
  ASSIGN_OR_RETURN(const Turn turn, Step(MediaStep::Kind::kFence));
  if (turn == Turn::kNever) return absl::OkStatus();
  {
    absl::MutexLock lock(&mutex_);
    bool settled = Settle(pushed_[std::this_thread::get_id()]);
    if (holes && Settle(holes_)) settled = true;
    Note(settled);
  }
  return CatchUp();
}

absl::Status FaultyMedia::Drain() { return Fence(false); }

absl::Status FaultyMedia::Flush() { return Fence(true); }

absl::Status FaultyMedia::Punch(uint64_t offset, uint64_t length) {
  ASSIGN_OR_RETURN(const Turn turn, Step(MediaStep::Kind::kStore));
  if (!core::Fits(offset, length, size_)) return core::OutsideMedia(offset, length, size_);
  if (turn == Turn::kNever) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(HealByStore({offset, length}));
  ++serial_;
  bool changed = false;
  for (uint64_t at = offset; at < offset + length;) {
    if (at % kPage == 0 && !pages_.contains(at / kPage)) {  // never stored to: zeros already
      at += kPage;
      continue;
    }
    const uint64_t word = core::RoundDown(at, 8);
    const uint64_t part = std::min(word + 8, offset + length) - at;
    const uint64_t before = Word(word);
    const std::array<std::byte, 8> zeros{};
    Place(at, absl::MakeConstSpan(zeros).first(part));
    const uint64_t page = core::RoundDown(at, kPage);
    const bool whole = page >= offset && page + kPage <= offset + length;
    changed = changed || before != 0;
    Remember(word, before, Word(word), whole);
    if (undurable_.contains(word)) holes_.push_back({word, serial_});
    at += part;
  }
  Note(changed);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::testing
