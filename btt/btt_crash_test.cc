// SPDX-License-Identifier: Apache-2.0
// Power fails before every step of everything that stores, in subsets of what was under way; then
// each sector must be old or new, and the arena must be sound.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "btt/btt.h"
#include "btt/check.h"
#include "btt/formatter.h"
#include "btt/map_entry.h"
#include "core/base/status.h"
#include "core/testing/crash_lab.h"
#include "core/testing/faulty_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

using ::nvdimmfs::testing::CrashLab;
using ::nvdimmfs::testing::FailureOf;
using ::nvdimmfs::testing::FaultyMedia;
using ::nvdimmfs::testing::MediaStep;
using ::nvdimmfs::testing::SeededBug;
using MediaPtr = std::shared_ptr<FaultyMedia>;
using Bytes = std::vector<std::byte>;

constexpr uint64_t kSize = kMinArena + 4096;
constexpr uint64_t kMostOutcomes = 40;
const core::Uuid kUuid = *core::Uuid::Parse("11111111-2222-4333-8444-555555555555");
const core::Uuid kParent = *core::Uuid::Parse("99999999-2222-4333-8444-555555555555");

FormatOptions Options(uint32_t lbasize) {
  return {.uuid = kUuid,
          .parent_uuid = kParent,
          .external_lbasize = lbasize,
          .version = Version::kV1_1};
}

Bytes Filled(size_t size, uint64_t sector, uint64_t generation) {
  Bytes bytes(size);
  for (size_t i = 0; i + 8 <= size; i += 8) {
    const uint64_t word = sector << 40 | generation << 16 | i / 8;
    std::memcpy(bytes.data() + i, &word, 8);
  }
  return bytes;
}

MediaPtr Formatted(uint32_t lbasize) {
  auto media = std::make_shared<FaultyMedia>(kSize);
  EXPECT_TRUE(Btt::OpenOrFormat(media, Options(lbasize), false).ok());
  EXPECT_EQ(media->undurable_words(), 0u);
  return media;
}

std::shared_ptr<Btt> Opened(const MediaPtr& media) {
  auto btt = Btt::Open(media, Version::kV1_1, kParent, false);
  EXPECT_TRUE(btt.ok()) << btt.status();
  return btt.ok() ? *btt : nullptr;
}

std::string Join(const std::vector<core::Finding>& findings) {
  std::string text;
  for (const core::Finding& finding : findings)
    text +=
        finding.reason + " at " + std::to_string(finding.offset) + ": " + finding.sentence + "\n";
  return text;
}

std::vector<core::Finding> CheckOf(const MediaPtr& media) {
  return Check(*media, Version::kV1_1, kParent);
}

Bytes ReadBack(const Btt& btt, uint64_t offset, size_t size) {
  Bytes out(size);
  const absl::Status status = btt.Read(offset, absl::MakeSpan(out));
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

class CrashTest : public ::testing::Test {
 protected:
  using Operation = std::function<bool(const MediaPtr&)>;
  using Verify = std::function<void(const MediaPtr&, bool acknowledged)>;

  // Runs `operation` on a copy of `base` for every cut; it says whether it was acknowledged.
  // `verify` sees each media that may come back.
  void Explore(const MediaPtr& base, const Operation& operation, const Verify& verify) {
    lab_.Explore(*base, SubjectOf(operation, verify));
  }
  // Seeds bugs into each step of `operation`.
  void ExpectBugsCaught(const MediaPtr& base, const Operation& operation, const Verify& verify) {
    lab_.ExpectBugsCaught(*base, SubjectOf(operation, verify),
                          [](SeededBug, int64_t step, const std::vector<MediaStep>& steps) {
                            // The map entry of the last write, and the fences around it: recovery
                            // makes that entry from the flog. tests/mutations has what shows with
                            // more writes.
                            return step + 4 >= static_cast<int64_t>(steps.size());
                          });
  }

  // Opens after a cut; the recovery in it is cut as well, at each of its steps.
  std::shared_ptr<Btt> Recovered(const MediaPtr& after) {
    for (int64_t step = 0;; ++step) {
      const MediaPtr again = after->Clone();
      again->CutBefore(step);
      (void)Btt::Open(again, Version::kV1_1, kParent, false);
      if (!again->cut()) break;
      for (const MediaPtr& twice : again->Outcomes(4, step)) {
        lab_.CountState();
        (void)Opened(twice);
        EXPECT_EQ(Join(CheckOf(twice)), "");
      }
    }
    auto btt = Opened(after);
    EXPECT_EQ(Join(CheckOf(after)), "");
    return btt;
  }

  static CrashLab::Subject SubjectOf(const Operation& operation, const Verify& verify) {
    return {.operate = [operation](const MediaPtr& media) -> size_t { return operation(media); },
            .judge =
                [verify](const MediaPtr& after, size_t acknowledged) {
                  return FailureOf([&] { verify(after, acknowledged != 0); });
                }};
  }

  CrashLab lab_{"BTT", {.outcomes = kMostOutcomes, .bug_outcomes = kMostOutcomes}};
};

TEST_F(CrashTest, FormattingABlankNamespaceLeavesNothingOrABtt) {
  for (uint32_t lbasize : {512u, 4096u}) {
    Explore(
        std::make_shared<FaultyMedia>(kSize),
        [&](const MediaPtr& media) {
          return Btt::OpenOrFormat(media, Options(lbasize), false).ok();
        },
        [&](const MediaPtr& after, bool acknowledged) {
          const bool there = Probe(*after, Version::kV1_1, kParent).ok();
          EXPECT_TRUE(there || !acknowledged);
          if (there) {
            EXPECT_EQ(Join(CheckOf(after)), "");
          }
          auto btt = Btt::OpenOrFormat(after, Options(lbasize), false);
          ASSERT_TRUE(btt.ok()) << btt.status();
          EXPECT_EQ(Join(CheckOf(after)), "");
        });
  }
}

TEST_F(CrashTest, FormattingOverAnotherBttNeverMixesTheTwo) {
  const MediaPtr base = Formatted(512);
  {
    auto btt = Opened(base);
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(btt->Write(i * 512, Filled(512, i, 1)).ok());
    btt.reset();
    const Bytes zeros(8192);  // as ndctl does before it makes another
    ASSERT_TRUE(base->WriteThrough(0, zeros).ok());
    ASSERT_TRUE(base->Drain().ok());
  }
  for (uint32_t lbasize : {512u, 4096u}) {
    FormatOptions next = Options(lbasize);
    next.uuid = *core::Uuid::Parse("aaaaaaaa-2222-4333-8444-555555555555");
    Explore(
        base, [&](const MediaPtr& media) { return Btt::OpenOrFormat(media, next, false).ok(); },
        [&](const MediaPtr& after, bool acknowledged) {
          const auto seen = Probe(*after, Version::kV1_1, kParent);
          EXPECT_TRUE(seen.ok() || !acknowledged);
          if (seen.ok()) {
            EXPECT_EQ(Join(CheckOf(after)), "");
          }
          // Repair and rebinding by either owner must not wake the old one's ruins.
          for (const FormatOptions& options : {next, Options(512)}) {
            const MediaPtr bound = after->Clone();
            if (seen.ok() && options.uuid != seen->uuid) continue;
            auto btt = Btt::OpenOrFormat(bound, options, false);
            ASSERT_TRUE(btt.ok()) << btt.status();
            EXPECT_EQ(Join(CheckOf(bound)), "");
          }
        });
  }
}

class WriteCrashTest : public CrashTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  void ExploreWrite(uint64_t first, uint64_t count) {
    const uint32_t sector = SectorSizeOf(GetParam());
    const MediaPtr base = Formatted(GetParam());
    auto old_btt = Opened(base);
    Bytes fresh;
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(old_btt->Write((first + i) * sector, Filled(sector, first + i, 1)).ok());
      const Bytes one = Filled(sector, first + i, 2);
      fresh.insert(fresh.end(), one.begin(), one.end());
    }
    old_btt.reset();
    const Operation write = [&](const MediaPtr& media) {
      auto btt = Btt::Open(media, Version::kV1_1, kParent, false);
      return btt.ok() && (*btt)->Write(first * sector, fresh).ok();
    };
    const Verify old_or_new = [&](const MediaPtr& after, bool acknowledged) {
      auto btt = Recovered(after);
      ASSERT_NE(btt, nullptr);
      for (uint64_t i = 0; i < count; ++i) {
        const Bytes seen = ReadBack(*btt, (first + i) * sector, sector);
        const bool is_new = seen == Filled(sector, first + i, 2);
        EXPECT_TRUE(is_new || (!acknowledged && seen == Filled(sector, first + i, 1)))
            << "sector " << first + i;
      }
    };
    Explore(base, write, old_or_new);
    if (count == 1) ExpectBugsCaught(base, write, old_or_new);
  }
};

INSTANTIATE_TEST_SUITE_P(Sizes, WriteCrashTest, ::testing::Values(512, 528, 4096, 4160),
                         [](const auto& info) { return std::to_string(info.param); });

TEST_P(WriteCrashTest, ASectorIsOldOrNew) { ExploreWrite(7, 1); }
TEST_P(WriteCrashTest, EverySectorOfABatchIsOldOrNew) { ExploreWrite(14, 5); }

TEST_F(CrashTest, SuccessiveWritesOfASectorAreNeverOlderThanAcknowledged) {
  const MediaPtr base = Formatted(4096);
  uint64_t acknowledged_generation = 0;
  const Operation five_writes = [&](const MediaPtr& media) {
    acknowledged_generation = 0;
    auto btt = Btt::Open(media, Version::kV1_1, kParent, false);
    if (!btt.ok()) return false;
    for (uint64_t generation = 1; generation <= 5; ++generation) {
      if (!(*btt)->Write(9 * 4096, Filled(4096, 9, generation)).ok()) return false;
      acknowledged_generation = generation;
    }
    return true;
  };
  const Verify not_older = [&](const MediaPtr& after, bool) {
    auto btt = Recovered(after);
    ASSERT_NE(btt, nullptr);
    const Bytes seen = ReadBack(*btt, 9 * 4096, 4096);
    auto is = [&](uint64_t g) { return seen == (g == 0 ? Bytes(4096) : Filled(4096, 9, g)); };
    EXPECT_TRUE(is(acknowledged_generation) || is(acknowledged_generation + 1));
  };
  Explore(base, five_writes, not_older);
}

// A thread that does what it is told, and keeps the lane that it likes.
class Worker {
 public:
  Worker() : thread_([this] { Loop(); }) {}
  ~Worker() {
    Run(nullptr);
    thread_.join();
  }
  void Run(std::function<void()> task) {
    std::unique_lock<std::mutex> lock(mutex_);
    task_ = std::move(task);
    has_task_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !has_task_; });
  }

 private:
  void Loop() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (bool more = true; more;) {
      changed_.wait(lock, [this] { return has_task_; });
      more = task_ != nullptr;
      if (more) task_();
      has_task_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> task_;
  bool has_task_ = false;
  std::thread thread_;
};

// Recovery looks at the lanes in their order, not in that of the writes: what one writer has
// finished must be in the map before another's entry for the sector counts.
TEST_F(CrashTest, WritesOfASectorThroughTwoLanesAreNeverOlderThanAcknowledged) {
  const MediaPtr base = Formatted(4096);
  Worker workers[2];
  for (int last = 0; last < 2; ++last) {  // one of them has the lower lane
    uint64_t acknowledged = 0;
    Explore(
        base,
        [&](const MediaPtr& media) {
          acknowledged = 0;
          auto btt = Btt::Open(media, Version::kV1_1, kParent, false);
          if (!btt.ok()) return false;
          for (uint64_t generation = 1; generation <= 4; ++generation) {
            bool written = false;
            workers[(generation + last) % 2].Run(
                [&] { written = (*btt)->Write(9 * 4096, Filled(4096, 9, generation)).ok(); });
            if (!written) return false;
            acknowledged = generation;
          }
          return true;
        },
        [&](const MediaPtr& after, bool) {
          auto btt = Opened(after);
          ASSERT_NE(btt, nullptr);
          EXPECT_EQ(Join(CheckOf(after)), "");
          const Bytes seen = ReadBack(*btt, 9 * 4096, 4096);
          auto is = [&](uint64_t g) { return seen == (g == 0 ? Bytes(4096) : Filled(4096, 9, g)); };
          EXPECT_TRUE(is(acknowledged) || is(acknowledged + 1));
        });
  }
}

TEST_F(CrashTest, APartOfASectorIsWrittenOrNotAndTheRestStays) {
  const MediaPtr base = Formatted(4096);
  const Bytes before = Filled(4096, 3, 1);
  ASSERT_TRUE(Opened(base)->Write(3 * 4096, before).ok());
  const Bytes piece(1000, std::byte{0x77});
  Bytes changed = before;
  std::copy(piece.begin(), piece.end(), changed.begin() + 100);
  Explore(
      base,
      [&](const MediaPtr& media) {
        auto btt = Btt::Open(media, Version::kV1_1, kParent, false);
        return btt.ok() && (*btt)->Write(3 * 4096 + 100, piece).ok();
      },
      [&](const MediaPtr& after, bool acknowledged) {
        auto btt = Recovered(after);
        const Bytes seen = ReadBack(*btt, 3 * 4096, 4096);
        EXPECT_TRUE(seen == changed || (!acknowledged && seen == before));
      });
}

TEST_F(CrashTest, ADiscardedSectorIsOldOrZeros) {
  for (uint32_t lbasize : {512u, 4096u}) {
    const uint32_t sector = SectorSizeOf(lbasize);
    const MediaPtr base = Formatted(lbasize);
    auto first = Opened(base);
    for (uint64_t i = 0; i < 6; ++i)
      ASSERT_TRUE(first->Write(i * sector, Filled(sector, i, 1)).ok());
    first.reset();
    Explore(
        base,
        [&](const MediaPtr& media) {
          auto btt = Btt::Open(media, Version::kV1_1, kParent, false);
          return btt.ok() && (*btt)->Discard(sector / 2, 4 * sector).ok();
        },
        [&](const MediaPtr& after, bool acknowledged) {
          auto btt = Recovered(after);
          for (uint64_t i = 0; i < 6; ++i) {
            const Bytes seen = ReadBack(*btt, i * sector, sector);
            const Bytes old = Filled(sector, i, 1);
            Bytes zeroed = old;
            const size_t from = i == 0 ? sector / 2 : 0;
            const size_t to = i < 4 ? sector : i == 4 ? sector / 2 : 0;
            for (size_t k = from; k < to; ++k) zeroed[k] = std::byte{0};
            EXPECT_TRUE(seen == zeroed || (!acknowledged && seen == old)) << i;
          }
        });
  }
}

// Whole pages are given back, what is at both ends is written. A discard is durable after a flush.
TEST_F(CrashTest, ADiscardedPageIsOldOrZeros) {
  constexpr uint64_t kSectors = 28, kFrom = 7, kTo = 26;
  const MediaPtr base = Formatted(512);
  auto first = Opened(base);
  for (uint64_t i = 0; i < kSectors; ++i)
    ASSERT_TRUE(first->Write(i * 512, Filled(512, i, 1)).ok());
  first.reset();
  bool flushed = false;
  Explore(
      base,
      [&](const MediaPtr& media) {
        auto btt = Btt::Open(media, Version::kV1_1, kParent, false);
        const bool discarded = btt.ok() && (*btt)->Discard(kFrom * 512, (kTo - kFrom) * 512).ok();
        flushed = discarded && (*btt)->Flush().ok();
        return discarded;
      },
      [&](const MediaPtr& after, bool) {
        auto btt = Opened(after);
        ASSERT_NE(btt, nullptr);
        for (uint64_t i = 0; i < kSectors; ++i) {
          const Bytes seen = ReadBack(*btt, i * 512, 512);
          const bool is_old = seen == Filled(512, i, 1);
          if (i >= kFrom && i < kTo)
            EXPECT_TRUE(seen == Bytes(512) || (is_old && !flushed)) << i;
          else
            EXPECT_TRUE(is_old) << i;
        }
        // And it goes on: what was given back takes data.
        for (uint64_t i = 0; i < kSectors; ++i)
          ASSERT_TRUE(btt->Write(i * 512, Filled(512, i, 7)).ok());
        for (uint64_t i = 0; i < kSectors; ++i)
          EXPECT_EQ(ReadBack(*btt, i * 512, 512), Filled(512, i, 7)) << i;
        EXPECT_EQ(Join(CheckOf(after)), "");
      });
}

// As below, with discards and flushes among the writes. A sector holds what was last acknowledged,
// or something that was tried since; zeros count once a flush has been acknowledged after them.
TEST_F(CrashTest, ModelOfDiscardsHoldsThroughRandomCuts) {
  constexpr uint64_t kSectors = 96;
  MediaPtr media = Formatted(512);
  std::mt19937_64 random(7);
  struct Sector {
    uint64_t visible = 0;  // generation; 0: zeros
    std::set<uint64_t> possible = {0};
  };
  std::vector<Sector> sectors(kSectors);
  uint64_t generation = 0, holes = 0;
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    media->CutBefore(static_cast<int64_t>(random() % 500));
    auto opened = Btt::Open(media, Version::kV1_1, kParent, false);
    for (int op = 0; opened.ok() && op < 60 && !media->cut(); ++op) {
      const uint64_t kind = random() % 8;
      if (kind == 7) {
        if ((*opened)->Flush().ok())
          for (Sector& sector : sectors) sector.possible = {sector.visible};
        continue;
      }
      const bool discards = kind > 3;
      const uint64_t first = random() % kSectors;
      const uint64_t count =
          std::min<uint64_t>(kSectors - first, 1 + random() % (discards ? 40 : 8));
      ++generation;
      Bytes data;
      for (uint64_t i = first; i < first + count; ++i) {
        const Bytes one = Filled(512, i, generation);
        data.insert(data.end(), one.begin(), one.end());
        sectors[i].possible.insert(discards ? 0 : generation);
      }
      const bool done = discards ? (*opened)->Discard(first * 512, count * 512).ok()
                                 : (*opened)->Write(first * 512, data).ok();
      for (uint64_t i = first; done && i < first + count; ++i) {
        sectors[i].visible = discards ? 0 : generation;
        if (!discards) sectors[i].possible = {generation};
      }
      if (done && discards && count > 16) ++holes;
      for (uint64_t i = 0; done && i < kSectors; ++i) {
        const uint64_t g = sectors[i].visible;
        ASSERT_EQ(ReadBack(**opened, i * 512, 512), g == 0 ? Bytes(512) : Filled(512, i, g)) << i;
      }
    }
    opened = absl::CancelledError();
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const MediaPtr after = media->Restart(random());
      lab_.CountState();
      auto btt = Opened(after);
      ASSERT_NE(btt, nullptr);
      ASSERT_EQ(Join(CheckOf(after)), "");
      for (uint64_t i = 0; i < kSectors; ++i) {
        const Bytes seen = ReadBack(*btt, i * 512, 512);
        uint64_t word;
        std::memcpy(&word, seen.data(), 8);
        const uint64_t g = word >> 16 & 0xffffff;
        ASSERT_EQ(seen, g == 0 ? Bytes(512) : Filled(512, i, g)) << "torn sector " << i;
        ASSERT_TRUE(sectors[i].possible.contains(g)) << "sector " << i << ": " << g;
        if (seed == 2) {
          sectors[i].visible = g;
          sectors[i].possible = {g};
        }
      }
      if (seed == 2) {
        btt.reset();
        media = after;
      }
    }
  }
  EXPECT_GT(holes, 20u);
}

TEST_F(CrashTest, WritingALostSectorMakesItGoodOrLeavesItLost) {
  const MediaPtr base = Formatted(4096);
  uint64_t block = 0;
  {
    auto btt = Opened(base);
    ASSERT_TRUE(btt->Write(5 * 4096, Filled(4096, 5, 1)).ok());
    const ArenaGeometry& arena = btt->arenas()[0]->geometry();
    std::array<std::byte, 4> word;
    ASSERT_TRUE(base->Read(arena.MapAt(5), absl::MakeSpan(word)).ok());
    block = arena.BlockAt(core::LoadLe<uint32_t>(word.data()) & kMapBlockMask);
  }
  base->Poison({block + 1000, 1});
  const Bytes fresh = Filled(4096, 5, 2);
  Explore(
      base,
      [&](const MediaPtr& media) {
        auto btt = Btt::Open(media, Version::kV1_1, kParent, false);
        Bytes out(4096);
        if (!btt.ok()) return false;
        (void)(*btt)->Read(5 * 4096, absl::MakeSpan(out));  // sets E
        return (*btt)->Write(5 * 4096, fresh).ok();
      },
      [&](const MediaPtr& after, bool acknowledged) {
        auto btt = Opened(after);
        ASSERT_NE(btt, nullptr);
        Bytes out(4096);
        const absl::Status status = btt->Read(5 * 4096, absl::MakeSpan(out));
        if (status.ok())
          EXPECT_EQ(out, fresh);
        else
          EXPECT_FALSE(acknowledged);
        for (const core::Finding& finding : CheckOf(after))
          EXPECT_EQ(finding.reason, "btt.map.error");
        // And the lane that has the bad block now is usable.
        for (uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(btt->Write(i * 4096, fresh).ok());
      });
}

// Another writer acts in the middle of this one, at each of its steps; then the power fails at each
// step of both.
TEST_F(CrashTest, OverlappingWritersLeaveEachSectorOldOrNew) {
  struct Case {
    uint64_t first_lba, second_lba;
  };
  for (const Case& lbas : {Case{40, 41}, Case{40, 40}, Case{40, 900}}) {
    const MediaPtr base = Formatted(4096);
    {
      auto btt = Opened(base);
      ASSERT_TRUE(btt->Write(lbas.first_lba * 4096, Filled(4096, lbas.first_lba, 1)).ok());
      ASSERT_TRUE(btt->Write(lbas.second_lba * 4096, Filled(4096, lbas.second_lba, 1)).ok());
    }
    for (int meet = 0; meet < 10; ++meet) {
      bool first_ok = false, second_ok = false;
      auto run = [&](const MediaPtr& media) {
        first_ok = second_ok = false;
        auto opened = Btt::Open(media, Version::kV1_1, kParent, false);
        if (!opened.ok()) return false;
        Btt& btt = **opened;
        const int64_t start = media->steps();
        const std::thread::id me = std::this_thread::get_id();
        std::thread other;
        std::mutex mutex;
        std::condition_variable changed;
        bool done = false;
        media->OnStep([&](int64_t step) {
          if (std::this_thread::get_id() != me || step < start + meet || other.joinable()) return;
          other = std::thread([&] {
            second_ok = btt.Write(lbas.second_lba * 4096, Filled(4096, lbas.second_lba, 3)).ok();
            std::lock_guard<std::mutex> lock(mutex);
            done = true;
            changed.notify_all();
          });
          // It may wait for a lock that this writer holds: then this one goes on first.
          std::unique_lock<std::mutex> lock(mutex);
          changed.wait_for(lock, std::chrono::milliseconds(1), [&] { return done; });
        });
        first_ok = btt.Write(lbas.first_lba * 4096, Filled(4096, lbas.first_lba, 2)).ok();
        media->OnStep(nullptr);
        if (other.joinable()) other.join();
        return true;
      };
      Explore(base, run, [&](const MediaPtr& after, bool) {
        auto btt = Opened(after);
        ASSERT_NE(btt, nullptr);
        EXPECT_EQ(Join(CheckOf(after)), "");
        auto one_of = [&](uint64_t lba, std::vector<uint64_t> generations) {
          const Bytes seen = ReadBack(*btt, lba * 4096, 4096);
          for (uint64_t g : generations)
            if (seen == Filled(4096, lba, g)) return true;
          return false;
        };
        if (lbas.first_lba == lbas.second_lba) {
          std::vector<uint64_t> legal = {2, 3};
          if (!first_ok && !second_ok) legal.push_back(1);
          EXPECT_TRUE(one_of(lbas.first_lba, legal));
        } else {
          EXPECT_TRUE(one_of(lbas.first_lba,
                             first_ok ? std::vector<uint64_t>{2} : std::vector<uint64_t>{1, 2}));
          EXPECT_TRUE(one_of(lbas.second_lba,
                             second_ok ? std::vector<uint64_t>{3} : std::vector<uint64_t>{1, 3}));
        }
      });
    }
  }
}

// (sector, generation) in every sector; random operations, a cut at a random step, again and again
// on the same media. After each cut a sector holds a generation between the last acknowledged and
// the last tried.
TEST_F(CrashTest, ModelOfGenerationsHoldsThroughRandomCuts) {
  constexpr uint64_t kSectors = 48;
  for (uint32_t lbasize : {512u, 4096u, 4104u}) {
    const uint32_t sector = SectorSizeOf(lbasize);
    MediaPtr media = Formatted(lbasize);
    std::mt19937_64 random(lbasize);
    std::vector<uint64_t> least(kSectors, 0), most(kSectors, 0);  // 0: zeros
    uint64_t generation = 0;
    for (int round = 0; round < 150; ++round) {
      SCOPED_TRACE(round);
      media->CutBefore(static_cast<int64_t>(random() % 120));
      auto opened = Btt::Open(media, Version::kV1_1, kParent, false);
      for (int op = 0; opened.ok() && op < 40 && !media->cut(); ++op) {
        const uint64_t first = random() % kSectors;
        const uint64_t count = std::min<uint64_t>(kSectors - first, 1 + random() % 8);
        ++generation;
        Bytes data;
        for (uint64_t i = 0; i < count; ++i) {
          const Bytes one = Filled(sector, first + i, generation);
          data.insert(data.end(), one.begin(), one.end());
          most[first + i] = generation;
        }
        if ((*opened)->Write(first * sector, data).ok())
          for (uint64_t i = 0; i < count; ++i) least[first + i] = generation;
      }
      opened = absl::CancelledError();
      for (uint64_t seed = 0; seed < 3; ++seed) {
        const MediaPtr after = media->Restart(random());
        lab_.CountState();
        auto btt = Opened(after);
        ASSERT_NE(btt, nullptr);
        ASSERT_EQ(Join(CheckOf(after)), "");
        std::vector<uint64_t> seen_generation(kSectors);
        for (uint64_t lba = 0; lba < kSectors; ++lba) {
          const Bytes seen = ReadBack(*btt, lba * sector, sector);
          uint64_t word;
          std::memcpy(&word, seen.data(), 8);
          const uint64_t g = word >> 16 & 0xffffff;
          seen_generation[lba] = g;
          ASSERT_EQ(seen, g == 0 ? Bytes(sector) : Filled(sector, lba, g)) << "torn sector " << lba;
          ASSERT_GE(g, least[lba]);
          ASSERT_LE(g, most[lba]);
        }
        if (seed == 2) {
          least = most = seen_generation;
          btt.reset();
          media = after;
        }
      }
    }
  }
}

}  // namespace
}  // namespace nvdimmfs::btt
