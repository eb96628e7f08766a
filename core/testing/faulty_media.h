// SPDX-License-Identifier: Apache-2.0
// A Media whose power can fail and whose cells can go bad.
//
// It guarantees exactly what core/media/media.h promises, and nothing more. A store is visible at
// once; an aligned 8-byte word of it is durable only after it was pushed and the same thread
// drained. At a cut, each word that is not durable keeps, independently, any of the values that it
// has had since it was last durable. A page that was punched as a whole is, independently,
// unchanged or zeros, until a Flush.
//
//   FaultyMedia media(size);              // zeros
//   ...                                   // write the old state
//   media.CutBefore(n);                   // the n-th step from here, from 0, does not happen
//   ...                                   // everything from that step on is refused, "media.cut"
//   for (const auto& after : media.Outcomes(limit, seed)) ...  // the media when power returns
//
// Every Write, WriteThrough, Store, Push, Drain, Flush, Punch and ClearPoison is a step. CrashLab
// (crash_lab.h) does this for a whole operation.
// Copies (Clone) are cheap: pages are shared until stored to. Thread rules: any thread.
#ifndef NVDIMMFS_CORE_TESTING_FAULTY_MEDIA_H_
#define NVDIMMFS_CORE_TESTING_FAULTY_MEDIA_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/range.h"
#include "core/media/media.h"
#include "core/media/page_holes.h"

namespace nvdimmfs::testing {

// What a step of a FaultyMedia was.
struct MediaStep {
  enum class Kind : uint8_t { kStore, kPush, kFence, kOther } kind;
  // A store changed a byte; a push, or a store that pushes, covered a word that was not durable; a
  // fence made one durable.
  bool effective = false;
  // A store that pushes, with something to push.
  bool pushes = false;
};

// A bug in the code under test, as the media sees it.
enum class SeededBug : uint8_t {
  kForgotten,  // the steps from `first` to `last` do nothing
  kNotPushed,  // the WriteThrough at `first` stores and does not push
  kLate,       // the step `first` happens after the step `last`
};

class FaultyMedia final : public core::Media, public core::PageHoles {
 public:
  explicit FaultyMedia(uint64_t size);  // zeros, all durable
  ~FaultyMedia() override;

  // The same bytes, undurable words and poison; no cut or failure planned; steps counted from 0.
  std::shared_ptr<FaultyMedia> Clone() const;

  // --- Power ---
  void CutBefore(int64_t step);
  bool cut() const;
  int64_t steps() const;
  // One more refusal, "media.fault", of that step alone; power stays.
  void FailAt(int64_t step);
  // Puts a bug into steps, counted from here. One bug at a time.
  void Seed(SeededBug bug, int64_t first, int64_t last);
  // The steps since this media was made or cloned.
  std::vector<MediaStep> history() const;
  // Called before each step, outside all locks of this class, in the thread that makes the step.
  void OnStep(std::function<void(int64_t step)> hook);
  // Called after each Read has copied, likewise.
  void OnRead(std::function<void(uint64_t offset, size_t length)> hook);

  // The number of words that a cut could lose, and of possible states of the media after a cut now
  // (at most `most`).
  size_t undurable_words() const;
  uint64_t CountOutcomes(uint64_t most) const;
  // The media as they may look when power returns now: every combination if there are at most
  // `most`. Otherwise `most` of them: the two extremes; combinations of the words in `read`, which
  // recovery is known to look at, with all others old or all others new; and seeded samples.
  // Duplicates are not removed. Each is whole, durable and in power.
  std::vector<std::shared_ptr<FaultyMedia>> Outcomes(
      uint64_t most, uint64_t seed, const std::vector<core::Range>& read = {}) const;
  // One of them, picked by the seed.
  std::shared_ptr<FaultyMedia> Restart(uint64_t seed) const;

  // --- Bad cells ---
  // Makes the 512-byte units that the range touches bad: reads of them are refused, "media.poison".
  // A store that covers a bad unit wholly makes it good; one that covers it in part is refused.
  void Poison(const core::Range& range);
  bool poisoned() const;

  // --- core::Media ---
  uint64_t size() const override { return size_; }
  absl::Status Read(uint64_t offset, absl::Span<std::byte> out) const override;
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status WriteThrough(uint64_t offset, absl::Span<const std::byte> data) override;
  absl::Status Store32(uint64_t offset, uint32_t value) override;
  absl::Status Store64(uint64_t offset, uint64_t value) override;
  absl::Status Push(uint64_t offset, uint64_t length) override;
  absl::Status Drain() override;
  // Drains what this thread pushed, and makes holes durable.
  absl::Status Flush() override;
  absl::Status Punch(uint64_t offset, uint64_t length) override;
  uint64_t hole_unit() const override { return kPage; }
  bool IsPoisoned(uint64_t offset, uint64_t length) const override;
  absl::Status ClearPoison(uint64_t offset, uint64_t length) override;

 private:
  static constexpr uint64_t kPage = 4096;
  static constexpr uint64_t kUnit = 512;
  using Page = std::array<std::byte, kPage>;

  // A value that an undurable word had, and when it got it.
  struct Candidate {
    uint64_t value;
    uint64_t serial;
    bool is_hole = false;  // of its page: arrives with it or not at all
  };
  // The first is the durable one, the last the visible one.
  using History = std::vector<Candidate>;
  struct Pushed {
    uint64_t word;  // byte offset
    uint64_t serial;
  };

  // Counts a step, and says whether it is to happen now.
  enum class Turn { kNow, kNever, kLater };
  absl::StatusOr<Turn> Step(MediaStep::Kind kind);
  void Note(bool effective, bool pushes = false) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Does what kLate put off, if it is time.
  absl::Status CatchUp();
  absl::Status CheckPower() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Store(uint64_t offset, absl::Span<const std::byte> data, bool push);
  absl::Status Apply(uint64_t offset, absl::Span<const std::byte> data, bool push)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Fence(bool holes);
  absl::Status HealByStore(const core::Range& range) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Touches(const core::Range& range) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Copy(uint64_t offset, absl::Span<std::byte> out) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Place(uint64_t offset, absl::Span<const std::byte> data)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t Word(uint64_t at) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remember(uint64_t word, uint64_t before, uint64_t after, bool is_hole = false)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Both return whether there was a word to push, or to make durable.
  bool PushWords(uint64_t offset, uint64_t length) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Settle(std::vector<Pushed>& pushed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Picks one of n values of the word at that offset, 0 being the oldest.
  using Choose = std::function<size_t(uint64_t word, size_t n)>;
  // Calls each(word, value) for every undurable word, in ascending order.
  void Decide(const Choose& choose, const std::function<void(uint64_t, uint64_t)>& each) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<FaultyMedia> Resolve(const Choose& choose) const;

  const uint64_t size_;
  mutable absl::Mutex mutex_;
  std::unordered_map<uint64_t, std::shared_ptr<Page>> pages_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, History> undurable_ ABSL_GUARDED_BY(mutex_);  // by byte offset of the word
  std::map<std::thread::id, std::vector<Pushed>> pushed_ ABSL_GUARDED_BY(mutex_);
  std::vector<Pushed> holes_ ABSL_GUARDED_BY(mutex_);
  std::set<uint64_t> bad_units_ ABSL_GUARDED_BY(mutex_);
  uint64_t serial_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t steps_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<int64_t> cut_before_ ABSL_GUARDED_BY(mutex_);
  std::optional<int64_t> fail_at_ ABSL_GUARDED_BY(mutex_);
  bool cut_ ABSL_GUARDED_BY(mutex_) = false;
  SeededBug bug_ ABSL_GUARDED_BY(mutex_) = SeededBug::kForgotten;
  int64_t bug_first_ ABSL_GUARDED_BY(mutex_) = -1;
  int64_t bug_last_ ABSL_GUARDED_BY(mutex_) = -1;
  std::function<absl::Status()> late_ ABSL_GUARDED_BY(mutex_);
  std::vector<MediaStep> history_ ABSL_GUARDED_BY(mutex_);
  std::function<void(int64_t)> hook_ ABSL_GUARDED_BY(mutex_);
  std::function<void(uint64_t, size_t)> read_hook_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nvdimmfs::testing

#endif  // NVDIMMFS_CORE_TESTING_FAULTY_MEDIA_H_
