// SPDX-License-Identifier: Apache-2.0
#include "core/media/fault_media.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status.h"
#include "core/media/fault_rules.h"
#include "core/media/memory_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using Bytes = std::vector<std::byte>;

FaultRules Rules(absl::string_view line) {
  const auto rules = FaultRules::Parse(line);
  EXPECT_TRUE(rules.ok()) << rules.status();
  return rules.ok() ? *rules : FaultRules();
}

TEST(FaultRulesTest, ReadsBackAsItIsUnderstood) {
  const std::pair<absl::string_view, absl::string_view> kLines[] = {
      {"none", "none"},
      {"none\n", "none"},
      {"latency=2ms", "latency=2ms"},
      {"latency=1ms..5ms", "latency=1ms..5ms"},
      {"latency=1000us..1ms", "latency=1ms"},
      {"latency=0s..1500us@0.25,eio=1\n", "latency=0s..1500us@0.25 eio=1"},
      {"eio=0.010", "eio=0.01"},
      {"eio=0.000000001", "eio=0.000000001"},
      {"eio=4K+512", "eio=4096+512"},
      {"read:eio=0.5 write:latency=10s", "read:eio=0.5 write:latency=10s"},
      {"write+read:eio=0.5", "eio=0.5"},
      {"flush:eio=1 read+write+flush:latency=1ms", "flush:eio=1 read+write+flush:latency=1ms"},
      {"write:enospc=0.1 enospc=0+1M space=64K torn=0.1",
       "enospc=0.1 enospc=0+1048576 space=65536 torn=0.1"},
      {"poison=512+512 seed=7", "poison=512+512 seed=7"},
      {"seed=1 eio=1.0", "eio=1"},
  };
  for (const auto& [line, text] : kLines) {
    EXPECT_EQ(Rules(line).Text(), text) << line;
    EXPECT_TRUE(Rules(text) == Rules(line)) << line;
  }
}

TEST(FaultRulesTest, RefusesWhatItDoesNotUnderstand) {
  for (const char* line : {"",
                           " ",
                           "none none",
                           "none eio=1",
                           "junk",
                           "eio",
                           "eio=",
                           "eio=0",
                           "eio=0.0",
                           "eio=1.1",
                           "eio=2",
                           "eio=.5",
                           "eio=0.5.5",
                           "eio=-1",
                           "eio=0.0000000001",
                           "eio=1e-3",
                           "eio=+512",
                           "eio=4096+0",
                           "eio=4096+",
                           "eio=18446744073709551615+2",
                           "latency=5",
                           "latency=5h",
                           "latency=11s",
                           "latency=5ms..1ms",
                           "latency=1ms..",
                           "latency=..1ms",
                           "latency=1ms@0",
                           "latency=1ms..2ms..3ms",
                           "latency=18446744073709551615s",
                           "read:enospc=0.1",
                           "torn=4096+512",
                           "read:torn=0.1",
                           "write:poison=0+512",
                           "poison=0.1",
                           "flush:eio=0+512",
                           "reed:eio=1",
                           "read+read:eio=1",
                           ":eio=1",
                           "+:eio=1",
                           "space=",
                           "space=x",
                           "seed=3",
                           "eio=1 seed=x",
                           "eio=1 seed=1 seed=1",
                           "read:seed=1 eio=1"}) {
    const auto rules = FaultRules::Parse(line);
    EXPECT_EQ(ErrnoOf(rules.status()), EINVAL) << line;
    EXPECT_EQ(ReasonOf(rules.status()), "faults.syntax") << line;
  }
  std::string many;
  for (size_t i = 0; i <= FaultRules::kMost; ++i) many += "eio=0.1 ";
  EXPECT_FALSE(FaultRules::Parse(many).ok());
}

class FaultMediaTest : public testing::Test {
 protected:
  // One letter for the result of each of `n` writes.
  std::string Writes(absl::string_view line, int n, size_t length = 8) {
    FaultMedia media(*base_, "dev/pmem0");
    media.SetRules(Rules(line));
    std::string letters;
    for (int i = 0; i < n; ++i) {
      const absl::Status status = media.Write(0, Bytes(length));
      letters += status.ok() ? '.' : ErrnoOf(status) == EIO ? 'E' : 'N';
    }
    return letters;
  }

  std::shared_ptr<MemoryMedia> base_ = std::make_shared<MemoryMedia>(1 << 20);
  FaultMedia media_{*base_, "dev/pmem0"};
};

TEST_F(FaultMediaTest, ARateHitsItsShareTheSameAccessesForOneSeed) {
  const std::string one = Writes("eio=0.1 seed=1", 2000);
  EXPECT_EQ(one, Writes("eio=0.1 seed=1", 2000));
  EXPECT_NE(one, Writes("eio=0.1 seed=2", 2000));
  const auto hits = std::count(one.begin(), one.end(), 'E');
  EXPECT_GT(hits, 140);
  EXPECT_LT(hits, 260);
  EXPECT_EQ(Writes("eio=1", 5), "EEEEE");
  EXPECT_EQ(Writes("enospc=1", 3), "NNN");
}

TEST_F(FaultMediaTest, ARangeHitsWhatTouchesItAndAnOperationItself) {
  media_.SetRules(Rules("read:eio=4096+512"));
  Bytes bytes(1024);
  EXPECT_TRUE(media_.Read(3072, absl::MakeSpan(bytes)).ok());
  const absl::Status refused = media_.Read(3073, absl::MakeSpan(bytes));
  EXPECT_EQ(ErrnoOf(refused), EIO);
  EXPECT_EQ(ReasonOf(refused), "fault.eio");
  EXPECT_TRUE(media_.Read(4608, absl::MakeSpan(bytes)).ok());
  EXPECT_TRUE(media_.Write(4096, bytes).ok());
  EXPECT_TRUE(media_.Flush().ok());
  media_.SetRules(Rules("flush:eio=1"));
  EXPECT_TRUE(media_.Write(4096, bytes).ok());
  EXPECT_EQ(ReasonOf(media_.Flush()), "fault.eio");
  EXPECT_EQ(media_.CountsText(),
            "faults_delayed 0\nfaults_eio 2\nfaults_enospc 0\nfaults_torn 0\n");
}

TEST_F(FaultMediaTest, SpaceEndsAfterSoManyBytes) {
  EXPECT_EQ(Writes("space=1K", 6, 256), "....NN");
  EXPECT_EQ(Writes("space=0", 2, 8), "NN");
}

TEST_F(FaultMediaTest, LatencyWaits) {
  media_.SetRules(Rules("write:latency=20ms..25ms"));
  const absl::Time start = absl::Now();
  ASSERT_TRUE(media_.Write(0, Bytes(8)).ok());
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(20));
  Bytes bytes(8);
  ASSERT_TRUE(media_.Read(0, absl::MakeSpan(bytes)).ok());
  EXPECT_EQ(media_.CountsText(),
            "faults_delayed 1\nfaults_eio 0\nfaults_enospc 0\nfaults_torn 0\n");
}

// All sectors before the torn one are new, none after it is, and it has old and new whole words.
TEST_F(FaultMediaTest, ATornWriteTearsOneSector) {
  const size_t kSectors = 8, kSector = 512;
  bool mixed = false;
  for (uint64_t seed = 0; seed < 32; ++seed) {
    base_ = std::make_shared<MemoryMedia>(1 << 20);
    FaultMedia media(*base_, "dev/pmem0");
    media.SetRules(Rules("torn=1 seed=" + std::to_string(seed)));
    const absl::Status status = media.WriteThrough(4096, Bytes(kSectors * kSector, std::byte{9}));
    EXPECT_EQ(ErrnoOf(status), EIO);
    EXPECT_EQ(ReasonOf(status), "fault.torn");
    size_t state = 0;  // 0: before the torn sector, 1: after it
    for (size_t sector = 0; sector < kSectors; ++sector) {
      size_t words = 0;
      for (size_t word = 0; word < kSector; word += 8) {
        const auto bytes = base_->bytes().subspan(4096 + sector * kSector + word, 8);
        const auto there = std::count(bytes.begin(), bytes.end(), std::byte{9});
        ASSERT_TRUE(there == 0 || there == 8);
        words += there == 8 ? 1 : 0;
      }
      if (state == 1) {
        EXPECT_EQ(words, 0u);
      }
      if (words < kSector / 8) state = 1;
      mixed = mixed || (words > 0 && words < kSector / 8);
    }
    EXPECT_EQ(state, 1u);
  }
  EXPECT_TRUE(mixed);
}

TEST_F(FaultMediaTest, WithoutRulesItIsTheMediaBelow) {
  EXPECT_EQ(Writes("none", 5), ".....");
  EXPECT_EQ(media_.rules().Text(), "none");
  EXPECT_EQ(media_.mapping(), nullptr);
  EXPECT_EQ(media_.size(), base_->size());
  ASSERT_TRUE(media_.Store64(8, 5).ok());
  EXPECT_EQ(std::to_integer<int>(base_->bytes()[8]), 5);
}

}  // namespace
}  // namespace nvdimmfs::core
