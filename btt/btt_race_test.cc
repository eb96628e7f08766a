// SPDX-License-Identifier: Apache-2.0
// Threads that meet at a chosen instant: every order of two writers' or a writer's and a reader's
// steps that matters is played, not waited for. And stores that fail at a chosen step.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "btt/btt.h"
#include "btt/check.h"
#include "core/base/status.h"
#include "core/media/media.h"
#include "core/media/memory_media.h"
#include "core/testing/faulty_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

using ::nvdimmfs::testing::FaultyMedia;
using Bytes = std::vector<std::byte>;

constexpr uint64_t kSector = 4096;

Bytes Filled(uint64_t sectors, uint8_t with) {
  return Bytes(sectors * kSector, static_cast<std::byte>(with));
}

// Opens once, by one thread; waits at most as long as a test may take.
class Gate {
 public:
  void Open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool Wait(std::chrono::milliseconds most = std::chrono::seconds(30)) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, most, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class RaceTest : public ::testing::Test {
 protected:
  RaceTest() : media_(std::make_shared<FaultyMedia>(kMinArena + 4096)) {
    auto btt = Btt::OpenOrFormat(media_, {.uuid = core::Uuid::Random()}, false);
    EXPECT_TRUE(btt.ok()) << btt.status();
    btt_ = *btt;
    arena_ = btt_->arenas()[0]->geometry();
  }
  ~RaceTest() override {
    media_->OnStep(nullptr);
    media_->OnRead(nullptr);
    std::string text;
    for (const core::Finding& finding : Check(*media_, Version::kV1_1, core::Uuid()))
      text += finding.sentence + "\n";
    EXPECT_EQ(text, "");
  }

  void Put(uint64_t lba, const Bytes& bytes) {
    const absl::Status status = btt_->Write(lba * kSector, bytes);
    EXPECT_TRUE(status.ok()) << status;
  }
  Bytes Get(uint64_t lba) {
    Bytes out(kSector);
    const absl::Status status = btt_->Read(lba * kSector, absl::MakeSpan(out));
    EXPECT_TRUE(status.ok()) << status;
    return out;
  }
  bool IsMap(uint64_t offset) const {
    return offset >= arena_.MapAt(0) && offset < arena_.FlogAt(0);
  }
  // Runs `action` once, in the reader's thread, right after it has read a map entry.
  void AfterFirstMapRead(std::function<void()> action) {
    media_->OnRead([this, action, done = std::make_shared<bool>(false)](uint64_t at, size_t) {
      if (*done || !IsMap(at)) return;
      *done = true;
      action();
    });
  }

  std::shared_ptr<FaultyMedia> media_;
  std::shared_ptr<Btt> btt_;
  ArenaGeometry arena_;
};

// The reader holds an entry whose block was given up and taken by another sector since.
TEST_F(RaceTest, AReaderWhoseBlockIsReusedReadsAgain) {
  Put(5, Filled(1, 1));
  AfterFirstMapRead([this] {
    Put(5, Filled(1, 2));
    Put(900, Filled(1, 3));  // the same thread, the same lane: into the block that 5 had
  });
  EXPECT_EQ(Get(5), Filled(1, 2));
}

// A Media in memory that can be read past it, and tells when a map entry was.
class ViewedMedia final : public core::MemoryMedia {
 public:
  static inline std::function<void()> after_load;
  static inline int copies = 0;
  static inline std::function<void(int copies)> after_copy;

  ViewedMedia() : MemoryMedia(kMinArena + 4096) {}
  core::DirectView direct_view() const override {
    core::DirectView view = MemoryMedia::direct_view();
    view.load32 = [](uint32_t* value, const void* from) {
      std::memcpy(value, from, sizeof *value);
      if (auto hook = std::exchange(after_load, nullptr)) hook();
      return true;
    };
    view.copy = [](void* to, const void* from, size_t length) {
      ++copies;
      std::memcpy(to, from, length);
      if (after_copy) after_copy(copies);
      return true;
    };
    return view;
  }
};

TEST_F(RaceTest, AReaderPastTheMediaWhoseBlockIsReusedReadsAgain) {
  auto btt =
      Btt::OpenOrFormat(std::make_shared<ViewedMedia>(), {.uuid = core::Uuid::Random()}, false);
  ASSERT_TRUE(btt.ok()) << btt.status();
  btt_ = *btt;
  Put(5, Filled(1, 1));
  ViewedMedia::copies = 0;
  EXPECT_EQ(Get(5), Filled(1, 1));
  EXPECT_EQ(ViewedMedia::copies, 1);
  ViewedMedia::after_load = [this] {
    Put(5, Filled(1, 2));
    Put(900, Filled(1, 3));
  };
  EXPECT_EQ(Get(5), Filled(1, 2));
  EXPECT_EQ(ViewedMedia::copies, 2);
}

// A long read copies its blocks in pieces. Whichever of them it has when all the blocks change
// hands: each sector is of one write, and of one of its own.
TEST_F(RaceTest, ALongReadMixesNoTwoWritesOfASector) {
  constexpr uint64_t kFirst = 10, kCount = 9, kAllLanes = 300;
  auto btt =
      Btt::OpenOrFormat(std::make_shared<ViewedMedia>(), {.uuid = core::Uuid::Random()}, false);
  ASSERT_TRUE(btt.ok()) << btt.status();
  btt_ = *btt;
  int moments = 1, mixed_moments = 0;
  for (int moment = 1; moment <= moments; ++moment) {
    Put(kFirst, Filled(kCount, 1));
    ViewedMedia::copies = 0;
    ViewedMedia::after_copy = [&](int copies) {
      if (copies != moment) return;
      Put(kFirst, Filled(kCount, 2));
      Put(900, Filled(kAllLanes, 3));  // into every block that was given up
    };
    Bytes seen(kCount * kSector);
    const absl::Status status = btt_->Read(kFirst * kSector, absl::MakeSpan(seen));
    ViewedMedia::after_copy = nullptr;
    ASSERT_TRUE(status.ok()) << status;
    for (uint64_t i = 0; i < kCount; ++i) {
      const Bytes sector(&seen[i * kSector], &seen[i * kSector] + kSector);
      EXPECT_TRUE(sector == Filled(1, 1) || sector == Filled(1, 2)) << moment << ", " << i;
    }
    if (seen.front() != seen.back()) ++mixed_moments;
    if (moment == 1) moments = ViewedMedia::copies;
  }
  EXPECT_GT(moments, static_cast<int>(kCount)) << "the blocks were not copied in pieces";
  EXPECT_GT(mixed_moments, moments / 2);  // the change came in the middle of the read
}

// The same for each sector of a batch: its shards are several, and each is bumped.
TEST_F(RaceTest, AReaderOfAnySectorOfABatchIsWarned) {
  constexpr uint64_t kFirst = 10, kCount = 30;  // three lines of the map
  for (uint64_t lba = kFirst; lba < kFirst + kCount; ++lba) {
    Put(kFirst, Filled(kCount, 1));
    AfterFirstMapRead([this] {
      Put(kFirst, Filled(kCount, 2));
      Put(900, Filled(kCount, 3));
    });
    const Bytes seen = Get(lba);
    EXPECT_EQ(seen, Filled(1, 2)) << lba;
  }
}

// A reader that comes while the writer is about to switch the entry has the old one, and must not
// take it for good once the block is another's.
TEST_F(RaceTest, TheCounterMovesAfterTheEntry) {
  Put(5, Filled(1, 1));
  Gate reader_has_entry, block_is_reused;
  Bytes seen;
  std::thread reader;
  bool started = false;
  const auto writer = std::this_thread::get_id();
  media_->OnRead([&](uint64_t at, size_t) {
    if (std::this_thread::get_id() == writer || !IsMap(at)) return;
    reader_has_entry.Open();
    block_is_reused.Wait();
  });
  // Before each store of the write; the last one that finds no reader yet is the map's, since a
  // reader that is started at an earlier one is told by the counter anyway.
  int steps_left = 0;
  media_->OnStep([&](int64_t) { ++steps_left; });
  Put(5, Filled(1, 2));
  // data, first half, drain, second half, drain, entry's store and push, drain
  const int entry_step = steps_left - 3;
  int step = 0;
  media_->OnStep([&](int64_t) {
    if (std::this_thread::get_id() != writer || started || step++ != entry_step) return;
    started = true;
    reader = std::thread([&] { seen = Get(5); });
    EXPECT_TRUE(reader_has_entry.Wait());
  });
  Put(5, Filled(1, 4));
  ASSERT_TRUE(started);
  Put(900, Filled(1, 5));
  block_is_reused.Open();
  reader.join();
  EXPECT_TRUE(seen == Filled(1, 2) || seen == Filled(1, 4)) << static_cast<int>(seen[0]);
}

// A reader that is overtaken every time ends by taking the lock, which a writer then waits for.
TEST_F(RaceTest, AReaderThatIsAlwaysOvertakenTakesTheLock) {
  Put(5, Filled(1, 1));
  const auto reader = std::this_thread::get_id();
  std::vector<std::thread> writers;
  bool writer_waits = false;
  media_->OnRead([&](uint64_t at, size_t) {
    if (std::this_thread::get_id() != reader || !IsMap(at) || writer_waits) return;
    ASSERT_LT(writers.size(), 100u) << "the reader never took the lock";
    auto written = std::make_shared<Gate>();
    writers.emplace_back([this, written] {
      Put(5, Filled(1, 2));
      written->Open();
    });
    writer_waits = !written->Wait(std::chrono::milliseconds(300));
  });
  EXPECT_EQ(Get(5), Filled(1, 2));
  EXPECT_TRUE(writer_waits);
  for (std::thread& writer : writers) writer.join();
}

// Another writer of a part of the same sector comes at each step of the first one's.
TEST_F(RaceTest, PartsWrittenAtOnceAreBothThere) {
  const auto first_writer = std::this_thread::get_id();
  for (int meet = 0; meet < 8; ++meet) {
    Put(5, Filled(1, 0));
    const Bytes mine(100, static_cast<std::byte>(10 + meet));
    const Bytes others(100, static_cast<std::byte>(110 + meet));
    std::thread other;
    Gate done;
    int step = 0;
    media_->OnStep([&](int64_t) {
      if (std::this_thread::get_id() != first_writer || step++ != meet) return;
      other = std::thread([&] {
        EXPECT_TRUE(btt_->Write(5 * kSector + 1000, others).ok());
        done.Open();
      });
      done.Wait(std::chrono::milliseconds(30));  // it may wait for this one's lock
    });
    ASSERT_TRUE(btt_->Write(5 * kSector + 10, mine).ok());
    media_->OnStep(nullptr);
    ASSERT_TRUE(other.joinable()) << meet;
    other.join();
    Bytes expected(kSector);
    std::copy(mine.begin(), mine.end(), expected.begin() + 10);
    std::copy(others.begin(), others.end(), expected.begin() + 1000);
    EXPECT_EQ(Get(5), expected) << meet;
  }
}

// --- Sectors of 512 whose pages are given back ---

constexpr uint64_t kSmall = 512;

Bytes Small(uint64_t sectors, uint8_t with) {
  return Bytes(sectors * kSmall, static_cast<std::byte>(with));
}

// A reader may copy bytes that are being changed, and reads again then. The two meet in words, each
// of them whole, so that ThreadSanitizer takes this for what it is.
void CopyWords(std::byte* to, const std::byte* from, size_t length) {
  for (size_t i = 0; i < length; i += sizeof(uint64_t)) {
    const uint64_t word =
        __atomic_load_n(reinterpret_cast<const uint64_t*>(from + i), __ATOMIC_RELAXED);
    std::memcpy(to + i, &word, sizeof word);
  }
}

void ZeroWords(std::byte* at, size_t length) {
  for (size_t i = 0; i < length; i += sizeof(uint64_t))
    __atomic_store_n(reinterpret_cast<uint64_t*>(at + i), 0, __ATOMIC_RELAXED);
}

// A Media in memory that makes its holes, and copies blocks, in two halves of whole words.
class HalvesMedia final : public core::MemoryMedia {
 public:
  static inline std::function<void()> within_copy;
  std::function<void()> within_hole;
  int holes = 0;

  HalvesMedia() : MemoryMedia(kMinArena + 4096) {}
  absl::Status Punch(uint64_t offset, uint64_t length) override {
    ++holes;
    // Its second page's first sector is torn meanwhile.
    const uint64_t half = std::min<uint64_t>(length, 4096 + 256);
    std::byte* hole = const_cast<std::byte*>(MemoryMedia::direct_view().base) + offset;
    ZeroWords(hole, half);
    if (auto hook = std::exchange(within_hole, nullptr)) hook();
    ZeroWords(hole + half, length - half);
    return absl::OkStatus();
  }
  core::DirectView direct_view() const override {
    core::DirectView view = MemoryMedia::direct_view();
    view.copy = [](void* to, const void* from, size_t length) {
      auto* target = static_cast<std::byte*>(to);
      const auto* source = static_cast<const std::byte*>(from);
      const size_t half = length / 2;
      CopyWords(target, source, half);
      if (auto hook = std::exchange(within_copy, nullptr)) hook();
      CopyWords(target + half, source + half, length - half);
      return true;
    };
    return view;
  }
};

class HoleRaceTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kSectors = 64;

  HoleRaceTest() : media_(std::make_shared<HalvesMedia>()) {
    auto btt = Btt::OpenOrFormat(media_, {.uuid = core::Uuid::Random(), .external_lbasize = kSmall},
                                 false);
    EXPECT_TRUE(btt.ok()) << btt.status();
    btt_ = *btt;
    for (uint64_t i = 0; i < kSectors; ++i) Put(i, 1);
  }
  ~HoleRaceTest() override {
    HalvesMedia::within_copy = nullptr;
    EXPECT_TRUE(Check(*media_, Version::kV1_1, core::Uuid()).empty());
  }
  void Put(uint64_t lba, uint8_t with) {
    EXPECT_TRUE(btt_->Write(lba * kSmall, Small(1, with)).ok());
  }
  Bytes Get(uint64_t lba) {
    Bytes out(kSmall);
    EXPECT_TRUE(btt_->Read(lba * kSmall, absl::MakeSpan(out)).ok());
    return out;
  }
  absl::Status DiscardAll() { return btt_->Discard(0, kSectors * kSmall); }

  std::shared_ptr<HalvesMedia> media_;
  std::shared_ptr<Btt> btt_;
};

TEST_F(HoleRaceTest, AReaderWhosePageIsGivenBackMeanwhileReadsAgain) {
  HalvesMedia::within_copy = [this] { EXPECT_TRUE(DiscardAll().ok()); };
  EXPECT_EQ(Get(20), Small(1, 0));
  EXPECT_GE(media_->holes, 1);
}

// It comes while half of the hole is there, and waits for the other half.
TEST_F(HoleRaceTest, AReaderThatMeetsAHoleInTheMakingSeesNoHalfOfIt) {
  std::vector<std::thread> readers;
  std::atomic<int> done{0};
  std::vector<Bytes> seen(kSectors);
  media_->within_hole = [&] {
    for (uint64_t lba = 0; lba < kSectors; ++lba)
      readers.emplace_back([&, lba] {
        seen[lba] = Get(lba);
        ++done;
      });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_LT(done, static_cast<int>(kSectors)) << "no thread waited";
  };
  EXPECT_TRUE(DiscardAll().ok());
  ASSERT_EQ(readers.size(), kSectors);
  for (std::thread& reader : readers) reader.join();
  // Those of pages before and after may be old: they are not of this hole, or were read before.
  for (uint64_t lba = 0; lba < kSectors; ++lba)
    EXPECT_TRUE(seen[lba] == Small(1, 0) || seen[lba] == Small(1, 1)) << lba;
}

TEST_F(HoleRaceTest, AWriterWaitsForTheHoleAndItsDataStays) {
  std::thread writer;
  std::atomic<bool> written{false};
  media_->within_hole = [&] {
    writer = std::thread([&] {
      Put(20, 9);
      written = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_FALSE(written);
  };
  EXPECT_TRUE(DiscardAll().ok());
  writer.join();
  EXPECT_EQ(Get(20), Small(1, 9));
}

// The blocks change hands after the discard has looked whose they are: the freed one is a lane's,
// and then another sector's.
TEST_F(RaceTest, APageWhoseBlocksChangedHandsIsNotGivenBack) {
  media_ = std::make_shared<FaultyMedia>(kMinArena + 4096);
  auto btt =
      Btt::OpenOrFormat(media_, {.uuid = core::Uuid::Random(), .external_lbasize = kSmall}, false);
  ASSERT_TRUE(btt.ok()) << btt.status();
  btt_ = *btt;
  arena_ = btt_->arenas()[0]->geometry();
  for (uint64_t lba : {20, 0, 63}) {  // in the middle of the range, its first sector, its last
    ASSERT_TRUE(btt_->Write(0, Small(64, 1)).ok());
    uint64_t looks = 0;
    media_->OnRead([&](uint64_t at, size_t) {
      if (!IsMap(at) || ++looks != 64) return;
      EXPECT_TRUE(btt_->Write(lba * kSmall, Small(1, 2)).ok());
      EXPECT_TRUE(btt_->Write(9000 * kSmall, Small(1, 3)).ok());
    });
    EXPECT_TRUE(btt_->Discard(0, 64 * kSmall).ok());
    media_->OnRead(nullptr);
    EXPECT_GE(looks, 64u);
    Bytes seen(kSmall);
    ASSERT_TRUE(btt_->Read(9000 * kSmall, absl::MakeSpan(seen)).ok());
    EXPECT_EQ(seen, Small(1, 3)) << lba;
    Bytes zeros(64 * kSmall, std::byte{1});
    ASSERT_TRUE(btt_->Read(0, absl::MakeSpan(zeros)).ok());
    EXPECT_EQ(zeros, Small(64, 0)) << lba;
  }
}

// Until the flog says so nothing has happened and the arena goes on; from then on it is open
// whether recovery will publish the block, and nothing is written any more.
TEST_F(RaceTest, AFailedStoreOfMetadataMakesTheArenaReadOnly) {
  Put(5, Filled(1, 1));
  int refused_early = 0, frozen = 0;
  for (int step = 0;; ++step) {
    const auto media = media_->Clone();
    auto btt = Btt::Open(media, Version::kV1_1, core::Uuid(), false);
    ASSERT_TRUE(btt.ok()) << btt.status();
    media->FailAt(media->steps() + step);
    const absl::Status status = (*btt)->Write(5 * kSector, Filled(1, 2));
    if (status.ok()) break;
    EXPECT_EQ(core::ErrnoOf(status), EIO);
    const absl::Status next = (*btt)->Write(6 * kSector, Filled(1, 3));
    Bytes seen(kSector);
    EXPECT_TRUE((*btt)->Read(5 * kSector, absl::MakeSpan(seen)).ok());
    if (next.ok()) {
      ++refused_early;
      EXPECT_EQ(frozen, 0) << "step " << step;
      EXPECT_EQ(seen, Filled(1, 1));
    } else {
      ++frozen;
      EXPECT_EQ(core::ReasonOf(next), "btt.arena.read_only");
      EXPECT_EQ(core::ErrnoOf(next), EIO);
      EXPECT_EQ(core::ReasonOf((*btt)->Discard(7 * kSector, kSector)), "btt.arena.read_only");
    }
    btt->reset();
    auto again = Btt::Open(media, Version::kV1_1, core::Uuid(), false);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE((*again)->Read(5 * kSector, absl::MakeSpan(seen)).ok());
    EXPECT_TRUE(seen == Filled(1, 1) || (frozen > 0 && seen == Filled(1, 2)));
    EXPECT_TRUE((*again)->Write(6 * kSector, Filled(1, 3)).ok());
    EXPECT_TRUE(Check(*media, Version::kV1_1, core::Uuid()).empty());
  }
  EXPECT_GE(refused_early, 2);
  EXPECT_GE(frozen, 4);
}

}  // namespace
}  // namespace nvdimmfs::btt
