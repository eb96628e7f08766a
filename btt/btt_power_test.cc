// SPDX-License-Identifier: Apache-2.0
// A BTT over media whose power fails at a fence, as with -o crash_after: at every fence of a
// sequence of writes, with several seeds. Afterwards each sector is old or new, and the BTT is
// sound.
#include <cstring>
#include <memory>
#include <vector>

#include "btt/btt.h"
#include "btt/btt_format.h"
#include "btt/check.h"
#include "core/base/status.h"
#include "core/base/uuid.h"
#include "core/media/crash_media.h"
#include "core/media/memory_media.h"
#include "core/media/power_supply.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kSize = kMinArena + 4096;
constexpr uint64_t kSectors = 6, kSector = 4096, kSeeds = 6;
using Bytes = std::vector<std::byte>;

const core::Uuid kParent = *core::Uuid::Parse("66666666-7777-8888-9999-000000000000");
const FormatOptions kOptions = {.uuid = *core::Uuid::Parse("11111111-2222-3333-4444-555555555555"),
                                .parent_uuid = kParent,
                                .external_lbasize = kSector};

Bytes Filled(uint64_t lba, uint64_t generation) {
  Bytes bytes(kSector);
  for (size_t i = 0; i < kSector; i += 8) {
    const uint64_t word = generation << 32 | lba << 16 | i / 8;
    std::memcpy(bytes.data() + i, &word, sizeof word);
  }
  return bytes;
}

struct Trial {
  std::shared_ptr<core::MemoryMedia> base;
  std::shared_ptr<core::PowerSupply> supply;
  // The generation that was acknowledged for each sector, and the last one tried.
  uint64_t acknowledged[kSectors] = {}, tried[kSectors] = {};
};

// Generation 1 everywhere before the power can fail; then single sectors, pairs and a discard.
Trial Write(uint64_t cut_at, uint64_t seed) {
  Trial run;
  run.base = std::make_shared<core::MemoryMedia>(kSize);
  {
    auto btt = Btt::OpenOrFormat(run.base, kOptions, false);
    EXPECT_TRUE(btt.ok()) << btt.status();
    for (uint64_t lba = 0; lba < kSectors; ++lba) {
      EXPECT_TRUE((*btt)->Write(lba * kSector, Filled(lba, 1)).ok());
      run.acknowledged[lba] = run.tried[lba] = 1;
    }
  }
  run.supply = std::make_shared<core::PowerSupply>(
      core::PowerSupply::Options{.cut_at = cut_at, .seed = seed, .observer = nullptr});
  auto btt = Btt::OpenOrFormat(run.supply->Feed(run.base), kOptions, false);
  if (!btt.ok()) return run;
  for (uint64_t generation = 2; generation < 5; ++generation)
    for (uint64_t lba = 0; lba < kSectors; lba += generation - 1) {
      const uint64_t count = generation == 3 && lba + 1 < kSectors ? 2 : 1;
      Bytes data;
      for (uint64_t i = 0; i < count; ++i) {
        const Bytes one = Filled(lba + i, generation);
        data.insert(data.end(), one.begin(), one.end());
        run.tried[lba + i] = generation;
      }
      if (!(*btt)->Write(lba * kSector, data).ok()) return run;
      for (uint64_t i = 0; i < count; ++i) run.acknowledged[lba + i] = generation;
    }
  return run;
}

TEST(BttPowerTest, EverySectorIsOldOrNewAfterACutAtAnyFence) {
  const uint64_t fences = Write(0, 0).supply->fences();
  ASSERT_GT(fences, 20u);
  size_t changed = 0;
  for (uint64_t fence = 1; fence <= fences; ++fence)
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(testing::Message() << "fence " << fence << " seed " << seed);
      const Trial run = Write(fence, seed);
      ASSERT_TRUE(run.supply->is_cut());
      auto btt = Btt::OpenOrFormat(run.base, kOptions, false);
      ASSERT_TRUE(btt.ok()) << btt.status();
      EXPECT_EQ(Check(*run.base, Version::kV1_1, kParent).size(), 0u);
      for (uint64_t lba = 0; lba < kSectors; ++lba) {
        Bytes seen(kSector);
        ASSERT_TRUE((*btt)->Read(lba * kSector, absl::MakeSpan(seen)).ok());
        const bool is_new = seen == Filled(lba, run.tried[lba]);
        EXPECT_TRUE(is_new || seen == Filled(lba, run.acknowledged[lba])) << "torn sector " << lba;
        changed += is_new && run.tried[lba] != run.acknowledged[lba] ? 1 : 0;
      }
    }
  EXPECT_GT(changed, 0u);  // in some cuts, the write had already reached the media
}

TEST(BttPowerTest, TheSameFenceAndSeedLeaveTheSameBytes) {
  for (const uint64_t fence : {3u, 8u, 15u}) {
    const Trial one = Write(fence, 9), other = Write(fence, 9);
    EXPECT_TRUE(one.base->bytes() == other.base->bytes()) << fence;
  }
}

}  // namespace
}  // namespace nvdimmfs::btt
