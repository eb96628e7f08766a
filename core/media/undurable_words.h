// SPDX-License-Identifier: Apache-2.0
// The 8-byte words of one Media that were stored but are not durable yet, with every value that
// each of them has had since it was last durable.
//
// The model is that of core/media/media.h. At a power cut, each word independently keeps any of
// these values. A page of 4096 bytes that was punched whole is, as a whole, unchanged or zeros.
// Memory: about 8 KiB for each page that has such words. Thread rules: the owner locks.
#ifndef NVDIMMFS_CORE_MEDIA_UNDURABLE_WORDS_H_
#define NVDIMMFS_CORE_MEDIA_UNDURABLE_WORDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "core/base/range.h"
#include "core/media/seeded_choice.h"

namespace nvdimmfs::core {

class UndurableWords {
 public:
  static constexpr uint64_t kWord = 8;
  static constexpr uint64_t kPage = 4096;

  // The bytes at `offset`, a multiple of 8, changed from `before` to `after`, which is as long.
  // Only at the end of a Media is the length not a multiple of 8.
  void Stored(uint64_t offset, absl::Span<const std::byte> before,
              absl::Span<const std::byte> after);
  // The same for a range that was punched; `range` is what the caller punched.
  void Punched(const Range& range, uint64_t offset, absl::Span<const std::byte> before,
               absl::Span<const std::byte> after);
  // The range was punched, and Punched told of what was not zeros: the next flush makes it durable.
  void Emptied(const Range& range) { holes_.push_back({range, serial_}); }
  // What is in the range now is durable at once.
  void Durable(const Range& range) { Settle({range, serial_}); }

  // `thread` pushed the range: its next drain makes durable what is there now.
  void Pushed(uint64_t thread, const Range& range);
  void Drained(uint64_t thread);
  // Makes durable what any thread has pushed, and the holes.
  void Flushed();

  // Number of words that a power cut may lose.
  size_t count() const { return count_; }

  // Decides what a power cut leaves: calls each(offset, value) for every word that does not keep
  // its latest value, in ascending order. The same words and seed give the same decisions, whatever
  // the order of the stores among threads. `value` has the word's bytes in their order.
  void Tear(uint64_t seed, const std::function<void(uint64_t, uint64_t)>& each) const;

  void Clear();

 private:
  static constexpr size_t kWordsInPage = kPage / kWord;
  // A value that a word had, and the store that it came from. Serials ascend from 1.
  struct Candidate {
    uint64_t value;
    uint64_t serial;
  };
  struct Page {
    std::array<uint64_t, kWordsInPage> durable{};      // where `latest` is not 0
    std::array<uint64_t, kWordsInPage> latest{};       // serial of the visible value; 0: durable
    std::map<size_t, std::vector<Candidate>> between;  // older than the visible value
    std::vector<uint64_t> holes;                       // serials of punches of the whole page
    size_t words = 0;                                  // whose `latest` is not 0
  };
  struct Push {
    Range range;
    uint64_t serial;
  };

  void Remember(uint64_t offset, absl::Span<const std::byte> before,
                absl::Span<const std::byte> after, const Range& punched);
  void Settle(const Push& push);
  void SettleWord(Page& page, size_t word, uint64_t serial);
  // The values that a word of the page may keep, oldest first, without its latest; returns whether
  // that is one of them.
  bool Outcomes(const SeededChoice& choice, uint64_t number, const Page& page, size_t word,
                std::vector<uint64_t>& values) const;

  std::map<uint64_t, std::unique_ptr<Page>> pages_;  // by number
  std::map<uint64_t, std::vector<Push>> pushed_;     // by thread
  std::vector<Push> holes_;
  uint64_t serial_ = 0;
  size_t count_ = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_UNDURABLE_WORDS_H_
