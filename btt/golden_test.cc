// SPDX-License-Identifier: Apache-2.0
// BTTs that a real kernel wrote (tests/golden): sound, and they hold what was written to them; and
// they still do after we wrote to them.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "btt/btt.h"
#include "btt/check.h"
#include "core/base/endian.h"
#include "core/media/media_slice.h"
#include "core/media/memory_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

struct Written {  // a line `pat write DEVICE SEED FIRST COUNT`, in units of 512 bytes
  uint64_t seed, first, count;
};

struct Golden {
  const char* name;
  const char* image;
  uint64_t dpa, size;
  Version version;
  const char* parent;  // the namespace's uuid; "" for a label-less one
  const char* uuid;
  uint32_t lbasize;
  uint64_t capacity;
  std::vector<Written> written;
};

const Golden kGolden[] = {
    {"LabelsV12_4096",
     "k12.img.xz",
     0,
     64 * kMiB,
     Version::kV2_0,
     "11111111-2222-3333-4444-555555550001",
     "e37f4095-c7a2-4870-b878-2f5fa1e9b552",
     4096,
     65966080,
     {{1, 0, 20000},
      {11, 1000, 512},
      {12, 2000, 512},
      {13, 3000, 512},
      {14, 4000, 512},
      {15, 5000, 512},
      {16, 6000, 512},
      {17, 7000, 512}}},
    {"LabelsV12_512",
     "k12.img.xz",
     0x6000000,
     32 * kMiB,
     Version::kV2_0,
     "6e4ce965-e4ea-4ed5-a143-85899d732010",
     "50157c41-3725-40a8-bdd2-2893f5b7f722",
     512,
     33134592,
     {{3, 0, 3000}, {13, 777, 333}}},
    {"LabelsV11_4096",
     "k11.img.xz",
     0,
     64 * kMiB,
     Version::kV1_1,
     "d4b9e034-cff7-4082-8caf-5c1a77ceeec4",
     "c7340f8a-0171-49bf-9a9e-bd7cc4b08fe6",
     4096,
     65961984,
     {{21, 100, 9000}}},
    {"Labelless_4096",
     "kll.img.xz",
     0,
     64 * kMiB,
     Version::kV1_1,
     "",
     "9357a31f-802b-4526-a3f1-3988676c2ff1",
     4096,
     65961984,
     {{31, 8, 12345}, {32, 4096, 64}}},
};

// The first `size` bytes from `skip` on of what xz makes of the image; null where there is no xz.
std::shared_ptr<core::MemoryMedia> Unpack(const std::string& image, uint64_t skip, uint64_t size) {
  const char* root = std::getenv("TEST_SRCDIR");
  const std::string path = std::string(root == nullptr ? "." : std::string(root) + "/nvdimmfs") +
                           "/tests/golden/" + image;
  FILE* pipe = popen(("xz -dc '" + path + "'").c_str(), "r");
  if (pipe == nullptr) return nullptr;
  auto media = std::make_shared<core::MemoryMedia>(size);
  std::vector<char> passed(kMiB);
  uint64_t done = 0;
  for (; skip > 0; skip -= passed.size())
    if (fread(passed.data(), 1, passed.size(), pipe) != passed.size()) break;
  if (skip == 0) done = fread(media->bytes().data(), 1, size, pipe);
  pclose(pipe);  // xz may not be done: what follows is not wanted
  return done == size ? media : nullptr;
}

// A copy of a namespace, unpacked once for all tests of the process.
std::shared_ptr<core::MemoryMedia> CopyOf(const Golden& golden) {
  static std::map<std::string, std::shared_ptr<core::MemoryMedia>> unpacked;
  auto [at, is_new] = unpacked.try_emplace(golden.name);
  if (is_new) at->second = Unpack(golden.image, golden.dpa, golden.size);
  if (at->second == nullptr) return nullptr;
  auto copy = std::make_shared<core::MemoryMedia>(golden.size);
  EXPECT_TRUE(copy->Write(0, at->second->bytes()).ok());
  return copy;
}

uint64_t PatternWord(uint64_t seed, uint64_t unit, uint64_t word) {
  return ((seed << 32) + unit) ^ word << 56;
}

// What each 512-byte unit should hold; later writes win.
std::map<uint64_t, uint64_t> SeedOfUnit(const std::vector<Written>& written) {
  std::map<uint64_t, uint64_t> seeds;
  for (const Written& line : written)
    for (uint64_t unit = line.first; unit < line.first + line.count; ++unit)
      seeds[unit] = line.seed;
  return seeds;
}

void ExpectPattern(const Btt& btt, const std::map<uint64_t, uint64_t>& seeds) {
  std::vector<std::byte> unit_bytes(512);
  uint64_t bad = 0;
  for (const auto& [unit, seed] : seeds) {
    ASSERT_TRUE(btt.Read(unit * 512, absl::MakeSpan(unit_bytes)).ok());
    for (uint64_t word = 0; word < 64; ++word)
      if (core::LoadLe<uint64_t>(unit_bytes.data() + word * 8) != PatternWord(seed, unit, word)) {
        ++bad;
        break;
      }
  }
  EXPECT_EQ(bad, 0u) << "of " << seeds.size() << " units";
}

class GoldenTest : public ::testing::TestWithParam<Golden> {
 protected:
  void SetUp() override {
    ns_ = CopyOf(GetParam());
    if (ns_ == nullptr)
      GTEST_SKIP() << "cannot unpack " << GetParam().image << ": is xz installed?";
    parent_ = core::Uuid::Parse(GetParam().parent).value_or(core::Uuid());
  }
  std::string Findings() const {
    std::string text;
    for (const auto& finding : Check(*ns_, GetParam().version, parent_))
      text += finding.reason + ": " + finding.sentence + "\n";
    return text;
  }

  std::shared_ptr<core::MemoryMedia> ns_;
  core::Uuid parent_;
};

INSTANTIATE_TEST_SUITE_P(Kernel, GoldenTest, ::testing::ValuesIn(kGolden),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(GoldenTest, WhatTheKernelWroteIsReadBack) {
  EXPECT_EQ(Findings(), "");
  EXPECT_EQ(Detect(*ns_, parent_), GetParam().version);
  auto btt = Btt::Open(ns_, GetParam().version, parent_, true);
  ASSERT_TRUE(btt.ok()) << btt.status();
  EXPECT_EQ((*btt)->uuid().ToString(), GetParam().uuid);
  EXPECT_EQ((*btt)->external_lbasize(), GetParam().lbasize);
  EXPECT_EQ((*btt)->size(), GetParam().capacity);
  ExpectPattern(**btt, SeedOfUnit(GetParam().written));
}

TEST_P(GoldenTest, TheKernelsGeometryIsTheOneThatWeCompute) {
  auto btt = Btt::Open(ns_, GetParam().version, parent_, true);
  ASSERT_TRUE(btt.ok()) << btt.status();
  const auto computed = DivideIntoArenas(ns_->size(), GetParam().version, GetParam().lbasize);
  ASSERT_EQ(computed.size(), (*btt)->arenas().size());
  ArenaGeometry theirs = (*btt)->arenas()[0]->geometry();
  theirs.size = computed[0].size;  // ours counts the tail below 4 KiB, the block does not tell
  EXPECT_EQ(theirs, computed[0]);
}

TEST_P(GoldenTest, ItStaysSoundUnderOurWrites) {
  auto btt = Btt::Open(ns_, GetParam().version, parent_, false);
  ASSERT_TRUE(btt.ok()) << btt.status();
  auto seeds = SeedOfUnit(GetParam().written);
  std::vector<std::byte> bytes(64 * 512);
  for (uint64_t round = 0; round < 200; ++round) {
    const uint64_t first = (round * 7919) % ((*btt)->size() / 512 - 64);
    for (uint64_t unit = first; unit < first + 64; ++unit) {
      seeds[unit] = 1000 + round;
      for (uint64_t word = 0; word < 64; ++word)
        core::StoreLe(bytes.data() + (unit - first) * 512 + word * 8,
                      PatternWord(1000 + round, unit, word));
    }
    ASSERT_TRUE((*btt)->Write(first * 512, bytes).ok());
  }
  ExpectPattern(**btt, seeds);
  EXPECT_EQ(Findings(), "");
  btt = Btt::Open(ns_, GetParam().version, parent_, false);
  ASSERT_TRUE(btt.ok()) << btt.status();
  ExpectPattern(**btt, seeds);
}

}  // namespace
}  // namespace nvdimmfs::btt
