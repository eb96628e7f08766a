// SPDX-License-Identifier: Apache-2.0
#include "core/testing/faulty_media.h"

#include <set>
#include <thread>

#include "core/base/endian.h"
#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::testing {
namespace {

uint64_t Load(const FaultyMedia& media, uint64_t at) {
  std::array<std::byte, 8> bytes{};
  EXPECT_TRUE(media.Read(at, absl::MakeSpan(bytes)).ok());
  return core::LoadLe<uint64_t>(bytes.data());
}

std::set<std::pair<uint64_t, uint64_t>> Pairs(const FaultyMedia& media) {
  std::set<std::pair<uint64_t, uint64_t>> seen;
  for (const auto& after : media.Outcomes(64, 1)) seen.insert({Load(*after, 0), Load(*after, 8)});
  return seen;
}

TEST(FaultyMediaTest, UndurableWordsArriveInAnyCombination) {
  FaultyMedia media(4096);
  ASSERT_TRUE(media.Store64(0, 1).ok());
  ASSERT_TRUE(media.Store64(8, 2).ok());
  EXPECT_EQ(Load(media, 8), 2u);
  EXPECT_EQ(Pairs(media),
            (std::set<std::pair<uint64_t, uint64_t>>{{0, 0}, {1, 0}, {0, 2}, {1, 2}}));
}

TEST(FaultyMediaTest, ADrainKeepsWhatWasPushedAndNothingElse) {
  FaultyMedia media(4096);
  ASSERT_TRUE(media.Store64(0, 1).ok());
  ASSERT_TRUE(media.Push(0, 8).ok());
  ASSERT_TRUE(media.Store64(8, 2).ok());
  ASSERT_TRUE(media.Store64(0, 3).ok());
  ASSERT_TRUE(media.Drain().ok());
  EXPECT_EQ(Pairs(media),
            (std::set<std::pair<uint64_t, uint64_t>>{{1, 0}, {3, 0}, {1, 2}, {3, 2}}));
}

TEST(FaultyMediaTest, ADrainOfAnotherThreadKeepsNothing) {
  FaultyMedia media(4096);
  ASSERT_TRUE(media.Store64(0, 1).ok());
  ASSERT_TRUE(media.Push(0, 8).ok());
  std::thread([&] { ASSERT_TRUE(media.Drain().ok()); }).join();
  EXPECT_EQ(media.undurable_words(), 1u);
  ASSERT_TRUE(media.Drain().ok());
  EXPECT_EQ(media.undurable_words(), 0u);
}

TEST(FaultyMediaTest, AHoleNeedsAFlush) {
  FaultyMedia media(4096);
  ASSERT_TRUE(media.Store64(0, 7).ok());
  ASSERT_TRUE(media.Persist(0, 8).ok());
  ASSERT_TRUE(media.Punch(0, 4096).ok());
  ASSERT_TRUE(media.Drain().ok());
  EXPECT_EQ(media.CountOutcomes(100), 2u);
  ASSERT_TRUE(media.Flush().ok());
  EXPECT_EQ(media.CountOutcomes(100), 1u);
}

TEST(FaultyMediaTest, APageThatWasPunchedWholeArrivesWholeOrNotAtAll) {
  FaultyMedia media(8192);
  for (uint64_t at : {0, 8, 4096, 4104}) ASSERT_TRUE(media.Store64(at, at + 1).ok());
  ASSERT_TRUE(media.Persist(0, 8192).ok());
  ASSERT_TRUE(media.Punch(0, 4104).ok());  // and a word of the next
  EXPECT_EQ(media.CountOutcomes(100), 4u);
  EXPECT_EQ(Pairs(media), (std::set<std::pair<uint64_t, uint64_t>>{{1, 9}, {0, 0}}));
  // A store after the hole is later than it, and may arrive without it.
  ASSERT_TRUE(media.Store64(8, 5).ok());
  EXPECT_EQ(Pairs(media),
            (std::set<std::pair<uint64_t, uint64_t>>{{1, 9}, {1, 5}, {0, 0}, {0, 5}}));
  ASSERT_TRUE(media.Persist(8, 8).ok());
  EXPECT_EQ(Pairs(media), (std::set<std::pair<uint64_t, uint64_t>>{{1, 5}, {0, 5}}));
  ASSERT_TRUE(media.Flush().ok());
  EXPECT_EQ(Pairs(media), (std::set<std::pair<uint64_t, uint64_t>>{{0, 5}}));
}

TEST(FaultyMediaTest, ACutRefusesEverythingFromItsStepOn) {
  FaultyMedia media(4096);
  media.CutBefore(1);
  EXPECT_TRUE(media.Store64(0, 1).ok());
  EXPECT_FALSE(media.cut());
  EXPECT_EQ(core::ReasonOf(media.Store64(8, 1)), "media.cut");
  EXPECT_TRUE(media.cut());
  std::byte byte;
  EXPECT_EQ(core::ReasonOf(media.Read(0, absl::MakeSpan(&byte, 1))), "media.cut");
  EXPECT_EQ(Load(*media.Restart(3), 8), 0u);
}

TEST(FaultyMediaTest, PoisonIsHealedByStoresOfWholeUnits) {
  FaultyMedia media(4096);
  media.Poison({700, 1});
  std::array<std::byte, 1024> bytes{};
  EXPECT_EQ(core::ReasonOf(media.Read(1023, absl::MakeSpan(bytes).first(1))), "media.poison");
  EXPECT_TRUE(media.Read(0, absl::MakeSpan(bytes).first(512)).ok());
  EXPECT_EQ(core::ReasonOf(media.Write(600, absl::MakeSpan(bytes))), "media.poison");
  EXPECT_TRUE(media.Write(512, absl::MakeSpan(bytes).first(512)).ok());
  EXPECT_FALSE(media.IsPoisoned(0, 4096));
}

TEST(FaultyMediaTest, AFaultIsOneRefusal) {
  FaultyMedia media(4096);
  media.FailAt(0);
  EXPECT_EQ(core::ReasonOf(media.Drain()), "media.fault");
  EXPECT_TRUE(media.Drain().ok());
}

}  // namespace
}  // namespace nvdimmfs::testing
