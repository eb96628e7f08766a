// SPDX-License-Identifier: Apache-2.0
// Readers, writers, discards and writers of parts, all at once, on few sectors: no torn sector, no
// lost update, no stale read. Meant for --config=tsan as well.
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "btt/btt.h"
#include "btt/check.h"
#include "btt/lanes.h"
#include "core/base/endian.h"
#include "core/testing/word_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

using ::nvdimmfs::testing::WordMedia;

constexpr auto kDuration = std::chrono::milliseconds(700);

struct Stamp {  // what fills a sector, every 16 bytes
  uint64_t sector;
  uint64_t generation;
};

void Fill(absl::Span<std::byte> bytes, Stamp stamp) {
  for (size_t at = 0; at + 16 <= bytes.size(); at += 16) std::memcpy(bytes.data() + at, &stamp, 16);
}

// The stamp of a sector; fails where two differ.
Stamp StampOf(absl::Span<const std::byte> bytes) {
  Stamp first, other;
  std::memcpy(&first, bytes.data(), 16);
  for (size_t at = 16; at + 16 <= bytes.size(); at += 16) {
    std::memcpy(&other, bytes.data() + at, 16);
    if (other.generation != first.generation || other.sector != first.sector) {
      ADD_FAILURE() << "torn sector " << first.sector << ": generations " << first.generation
                    << " and " << other.generation << " at " << at;
      break;
    }
  }
  return first;
}

class StressTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override {
    media_ = std::make_shared<WordMedia>(kMinArena + 4096);
    auto btt = Btt::OpenOrFormat(
        media_, {.uuid = core::Uuid::Random(), .external_lbasize = GetParam()}, false);
    ASSERT_TRUE(btt.ok()) << btt.status();
    btt_ = *btt;
    sector_ = btt_->sector_size();
  }
  void TearDown() override {
    const auto findings = Check(*media_, Version::kV1_1, core::Uuid());
    EXPECT_TRUE(findings.empty()) << findings[0].sentence;
  }
  // Each body is called in a thread of its own until the time is over.
  void RunAll(const std::vector<std::function<void(std::mt19937_64&)>>& bodies) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (size_t i = 0; i < bodies.size(); ++i)
      threads.emplace_back([&, i] {
        std::mt19937_64 random(i);
        while (!stop.load(std::memory_order_relaxed)) bodies[i](random);
      });
    std::this_thread::sleep_for(kDuration);
    stop = true;
    for (auto& thread : threads) thread.join();
  }

  std::shared_ptr<WordMedia> media_;
  std::shared_ptr<Btt> btt_;
  uint32_t sector_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Sizes, StressTest, ::testing::Values(512, 4096, 4160),
                         [](const auto& info) { return std::to_string(info.param); });

// Each sector has one writer, which counts upward. Readers never see a torn sector or a smaller
// count than before, nor a count that is older than the last write finished before the read began.
TEST_P(StressTest, ReadsAreWholeAndNeverStale) {
  constexpr size_t kSectors = 8;
  std::vector<std::atomic<uint64_t>> finished(kSectors);
  std::vector<std::function<void(std::mt19937_64&)>> bodies;
  for (size_t writer = 0; writer < 2; ++writer)
    bodies.push_back([&, writer](std::mt19937_64& random) {
      const size_t lba = random() % (kSectors / 2) * 2 + writer;
      std::vector<std::byte> bytes(sector_);
      const uint64_t generation = finished[lba].load(std::memory_order_relaxed) + 1;
      Fill(absl::MakeSpan(bytes), {lba, generation});
      ASSERT_TRUE(btt_->Write(lba * sector_, bytes).ok());
      finished[lba].store(generation, std::memory_order_release);
    });
  for (int reader = 0; reader < 3; ++reader)
    bodies.push_back([&](std::mt19937_64& random) {
      const size_t lba = random() % kSectors;
      std::vector<std::byte> bytes(sector_);
      const uint64_t before = finished[lba].load(std::memory_order_acquire);
      ASSERT_TRUE(btt_->Read(lba * sector_, absl::MakeSpan(bytes)).ok());
      const uint64_t after = finished[lba].load(std::memory_order_acquire) + 1;
      const Stamp stamp = StampOf(bytes);
      if (before > 0) {
        EXPECT_EQ(stamp.sector, lba);
      }
      EXPECT_GE(stamp.generation, before);
      EXPECT_LE(stamp.generation, after);
    });
  RunAll(bodies);
}

// Each writer owns four of a sector's 16-byte fields: read-modify-write must not lose any of them.
TEST_P(StressTest, WritersOfPartsOfOneSectorLoseNothing) {
  constexpr size_t kWriters = 4;
  std::vector<uint64_t> last(kWriters, 0);
  std::vector<std::function<void(std::mt19937_64&)>> bodies;
  for (size_t writer = 0; writer < kWriters; ++writer)
    bodies.push_back([&, writer](std::mt19937_64&) {
      std::array<std::byte, 64> field;
      Fill(absl::MakeSpan(field), {writer, ++last[writer]});
      ASSERT_TRUE(btt_->Write(3 * sector_ + writer * 64, field).ok());
      ASSERT_TRUE(btt_->Read(3 * sector_ + writer * 64, absl::MakeSpan(field)).ok());
      EXPECT_EQ(StampOf(field).generation, last[writer]);
    });
  RunAll(bodies);
  for (size_t writer = 0; writer < kWriters; ++writer) {
    std::array<std::byte, 64> field;
    ASSERT_TRUE(btt_->Read(3 * sector_ + writer * 64, absl::MakeSpan(field)).ok());
    EXPECT_EQ(StampOf(field).generation, last[writer]);
  }
}

// Batches that overlap, discards and readers: sectors are whole, or zeros.
TEST_P(StressTest, BatchesAndDiscardsKeepSectorsWhole) {
  constexpr size_t kSectors = 96;
  std::atomic<uint64_t> generation{0};
  auto write = [&](std::mt19937_64& random) {
    const uint64_t first = random() % kSectors;
    const uint64_t count = std::min<uint64_t>(kSectors - first, 1 + random() % 48);
    std::vector<std::byte> bytes(count * sector_);
    const uint64_t mine = ++generation;
    for (uint64_t i = 0; i < count; ++i)
      Fill(absl::MakeSpan(bytes).subspan(i * sector_, sector_), {first + i, mine});
    ASSERT_TRUE(btt_->Write(first * sector_, bytes).ok());
  };
  auto discard = [&](std::mt19937_64& random) {
    const uint64_t first = random() % kSectors;
    // Some of pages of 512-byte sectors, some of less.
    const uint64_t count = std::min<uint64_t>(kSectors - first, 1 + random() % 64);
    ASSERT_TRUE(btt_->Discard(first * sector_, count * sector_).ok());
  };
  auto read = [&](std::mt19937_64& random) {
    const uint64_t lba = random() % kSectors;
    std::vector<std::byte> bytes(sector_);
    ASSERT_TRUE(btt_->Read(lba * sector_, absl::MakeSpan(bytes)).ok());
    const Stamp stamp = StampOf(bytes);
    if (stamp.generation != 0) {
      EXPECT_EQ(stamp.sector, lba);
    }
  };
  RunAll({write, write, discard, read, read});
}

TEST(LanesTest, MoreWritersThanLanesEachGetOneAtATime) {
  LanePool pool(2);
  std::array<std::atomic<int>, 2> holders{};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 3000; ++i) {
        HeldLane lane = pool.Acquire();
        ASSERT_TRUE(lane);
        EXPECT_EQ(holders[lane.index()].fetch_add(1), 0);
        lane->free_block += 1;  // unguarded but for the lane: thread sanitizer watches
        holders[lane.index()].fetch_sub(1);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(pool.Initial(0).free_block + pool.Initial(1).free_block, 18000u);
}

TEST(LanesTest, ALaneOutOfServiceIsNeverGivenOutAndNobodyWaitsForIt) {
  LanePool pool(2);
  HeldLane first = pool.Acquire();
  const uint32_t retired = first.index();
  first.Retire();
  EXPECT_FALSE(first);
  HeldLane second = pool.Acquire();
  EXPECT_NE(second.index(), retired);
  std::thread waiter([&] { EXPECT_FALSE(pool.Acquire()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  second.Retire();
  waiter.join();
}

TEST(LanesTest, AHeldLaneCannotBeCopiedAndAMovedOneIsEmpty) {
  static_assert(!std::is_copy_constructible_v<HeldLane> && !std::is_copy_assignable_v<HeldLane>);
  LanePool pool(1);
  HeldLane lane = pool.Acquire();
  HeldLane other = std::move(lane);
  EXPECT_TRUE(other);
  EXPECT_FALSE(pool.TryAcquire());
  other.Release();
  EXPECT_TRUE(pool.TryAcquire());
}

}  // namespace
}  // namespace nvdimmfs::btt
