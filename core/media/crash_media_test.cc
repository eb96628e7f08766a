// SPDX-License-Identifier: Apache-2.0
#include "core/media/crash_media.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "core/media/power_supply.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kSize = 64 << 10;

class CrashMediaTest : public testing::Test {
 protected:
  void Start(uint64_t cut_at, uint64_t seed = 1) {
    base_ = std::make_shared<MemoryMedia>(kSize);
    supply_ = std::make_shared<PowerSupply>(
        PowerSupply::Options{.cut_at = cut_at, .seed = seed, .observer = nullptr});
    media_ = supply_->Feed(base_);
  }

  uint64_t OnMedia(uint64_t offset) { return LoadLe<uint64_t>(base_->bytes().data() + offset); }
  std::string AllOnMedia() { return {reinterpret_cast<const char*>(base_->bytes().data()), kSize}; }
  void Durable(uint64_t offset, uint64_t value) {
    ASSERT_TRUE(media_->Store64(offset, value).ok());
    ASSERT_TRUE(media_->Persist(offset, 8).ok());
  }

  std::shared_ptr<MemoryMedia> base_;
  std::shared_ptr<PowerSupply> supply_;
  std::shared_ptr<Media> media_;
};

TEST_F(CrashMediaTest, WhatWasPushedAndDrainedSurvivesAndTheRestMayNot) {
  bool arrived = false, lost = false;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Start(2, seed);
    Durable(0, 1);
    ASSERT_TRUE(media_->Store64(8, 2).ok());
    EXPECT_EQ(supply_->undurable_words(), 1u);
    const absl::Status cut = media_->Drain();
    EXPECT_EQ(ErrnoOf(cut), EIO);
    EXPECT_EQ(ReasonOf(cut), "media.power_cut");
    EXPECT_TRUE(supply_->is_cut());
    EXPECT_EQ(OnMedia(0), 1u);
    (OnMedia(8) == 2 ? arrived : lost) = true;
    EXPECT_TRUE(OnMedia(8) == 2 || OnMedia(8) == 0);
  }
  EXPECT_TRUE(arrived && lost);
}

TEST_F(CrashMediaTest, EverythingIsRefusedAfterTheCut) {
  Start(1);
  ASSERT_EQ(ErrnoOf(media_->Flush()), EIO);
  std::array<std::byte, 8> bytes{};
  for (const absl::Status& status :
       {media_->Read(0, absl::MakeSpan(bytes)), media_->Peek(0, absl::MakeSpan(bytes)),
        media_->Write(0, bytes), media_->WriteThrough(0, bytes), media_->Store32(0, 1),
        media_->Store64(0, 1), media_->StoreThrough32(0, 1), media_->StoreThrough64(0, 1),
        media_->Push(0, 8), media_->Drain(), media_->Flush(), media_->Punch(0, 4096),
        media_->ClearPoison(0, 512), media_->InjectPoison({0, 512})})
    EXPECT_EQ(ReasonOf(status), "media.power_cut");
  EXPECT_EQ(supply_->Text(), "fences 1\nundurable_words 0\ncut 1\ntorn_words 0\n");
  EXPECT_EQ(media_->mapping(), nullptr);
  EXPECT_EQ(media_->LendFile(), nullptr);
}

TEST_F(CrashMediaTest, AWordKeepsAnyValueThatItHadSinceItWasDurable) {
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Start(2, seed);
    Durable(0, 10);
    for (uint64_t value : {11, 12, 13}) ASSERT_TRUE(media_->Store64(0, value).ok());
    EXPECT_FALSE(media_->Drain().ok());
    seen.insert(OnMedia(0));
  }
  EXPECT_EQ(seen, (std::set<uint64_t>{10, 11, 12, 13}));
}

TEST_F(CrashMediaTest, ADrainMakesDurableWhatWasThereAtThePush) {
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Start(2, seed);
    ASSERT_TRUE(media_->Store64(0, 1).ok());
    ASSERT_TRUE(media_->StoreThrough64(0, 2).ok());
    ASSERT_TRUE(media_->Store64(0, 3).ok());
    ASSERT_TRUE(media_->Drain().ok());
    EXPECT_FALSE(media_->Drain().ok());
    seen.insert(OnMedia(0));
  }
  EXPECT_EQ(seen, (std::set<uint64_t>{2, 3}));
}

TEST_F(CrashMediaTest, ADrainIsOfItsThreadAndAFlushOfAll) {
  Start(0);
  std::thread([&] { ASSERT_TRUE(media_->StoreThrough64(0, 1).ok()); }).join();
  ASSERT_TRUE(media_->Drain().ok());
  EXPECT_EQ(supply_->undurable_words(), 1u);
  ASSERT_TRUE(media_->Flush().ok());
  EXPECT_EQ(supply_->undurable_words(), 0u);
  ASSERT_TRUE(media_->Store64(0, 2).ok());  // not pushed
  ASSERT_TRUE(media_->Flush().ok());
  EXPECT_EQ(supply_->undurable_words(), 1u);
}

// The same operations, N and S leave the same bytes; other seeds or fences leave others.
TEST_F(CrashMediaTest, TheSameSeedTearsTheSameWords) {
  std::vector<std::byte> data(8192);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7 + 1);
  std::map<uint64_t, std::set<std::string>> outcomes;
  for (int again = 0; again < 2; ++again)
    for (uint64_t seed = 0; seed < 16; ++seed) {
      Start(3, seed);
      ASSERT_TRUE(media_->WriteThrough(24, data).ok());
      ASSERT_TRUE(media_->Drain().ok());
      ASSERT_TRUE(media_->WriteThrough(16 << 10, data).ok());
      ASSERT_TRUE(media_->Write(1001, data).ok());
      ASSERT_TRUE(media_->Push(0, 10).ok());
      ASSERT_TRUE(media_->Punch(8192, 12 << 10).ok());
      std::thread([&] { ASSERT_TRUE(media_->Drain().ok()); }).join();
      EXPECT_FALSE(media_->Drain().ok());
      outcomes[seed].insert(AllOnMedia());
    }
  std::set<std::string> all;
  for (const auto& [seed, of_seed] : outcomes) {
    EXPECT_EQ(of_seed.size(), 1u) << seed;
    all.insert(*of_seed.begin());
  }
  EXPECT_EQ(all.size(), outcomes.size());
}

TEST_F(CrashMediaTest, AHoleArrivesAsAWholePageOrNotAtAll) {
  const std::vector<std::byte> data(3 * 4096, std::byte{7});
  bool zeros = false, old = false;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Start(3, seed);
    ASSERT_TRUE(media_->WriteThrough(0, data).ok());
    ASSERT_TRUE(media_->Drain().ok());
    ASSERT_TRUE(media_->Punch(0, data.size()).ok());
    ASSERT_TRUE(media_->Drain().ok());  // a drain does not make a hole durable
    EXPECT_FALSE(media_->Flush().ok());
    for (uint64_t page = 0; page < 3; ++page) {
      std::set<std::byte> seen(base_->bytes().begin() + page * 4096,
                               base_->bytes().begin() + (page + 1) * 4096);
      ASSERT_EQ(seen.size(), 1u);
      (*seen.begin() == std::byte{0} ? zeros : old) = true;
    }
  }
  EXPECT_TRUE(zeros && old);
  Start(0);
  ASSERT_TRUE(media_->WriteThrough(0, data).ok());
  ASSERT_TRUE(media_->Punch(0, data.size()).ok());
  ASSERT_TRUE(media_->Flush().ok());
  EXPECT_EQ(supply_->undurable_words(), 0u);
}

TEST_F(CrashMediaTest, CutsComeBetweenTheLinesOfASupply) {
  Start(2);
  const auto second_base = std::make_shared<MemoryMedia>(kSize);
  const auto second = supply_->Feed(second_base);
  ASSERT_TRUE(media_->StoreThrough64(0, 1).ok());
  ASSERT_TRUE(second->StoreThrough64(0, 1).ok());
  ASSERT_TRUE(media_->Drain().ok());
  EXPECT_FALSE(second->Drain().ok());
  EXPECT_EQ(OnMedia(0), 1u);
  EXPECT_EQ(ReasonOf(media_->Drain()), "media.power_cut");
}

TEST_F(CrashMediaTest, WithoutACutTheBaseHasEverything) {
  Start(0);
  const std::vector<std::byte> data(kSize, std::byte{5});
  ASSERT_TRUE(media_->Write(0, data).ok());
  EXPECT_EQ(supply_->undurable_words(), kSize / 8);
  EXPECT_EQ(AllOnMedia(), std::string(kSize, '\5'));
  EXPECT_EQ(ReasonOf(media_->Write(8, data)), "media.range");
  // Storing the same value again adds nothing that could be lost.
  ASSERT_TRUE(media_->Persist(0, kSize).ok());
  ASSERT_TRUE(media_->Write(0, data).ok());
  EXPECT_EQ(supply_->undurable_words(), 0u);
  EXPECT_EQ(supply_->fences(), 1u);
}

TEST_F(CrashMediaTest, AStoreThatHealsIsDurableAtOnce) {
  Start(1);
  ASSERT_TRUE(media_->InjectPoison({512, 512}).ok());
  const std::vector<std::byte> sector(512, std::byte{3});
  EXPECT_EQ(ReasonOf(media_->Write(520, absl::MakeConstSpan(sector).first(8))), "media.poison");
  ASSERT_TRUE(media_->Write(512, sector).ok());
  EXPECT_FALSE(media_->Drain().ok());
  EXPECT_EQ(OnMedia(512), 0x0303030303030303u);
}

}  // namespace
}  // namespace nvdimmfs::core
