// SPDX-License-Identifier: Apache-2.0
#include "btt/geometry.h"

#include "absl/types/span.h"
#include "btt/btt_format.h"
#include "core/base/range.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kTiB = uint64_t{1} << 40;

struct Row {
  uint32_t lbasize, internal_lbasize, internal_nlba, external_nlba;
  uint64_t mapoff, capacity;
};

void ExpectRows(absl::Span<const Row> rows, Version version, uint64_t logoff) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.lbasize);
    const auto arenas = DivideIntoArenas(64 * kMiB, version, row.lbasize);
    ASSERT_EQ(arenas.size(), 1u);
    const ArenaGeometry& arena = arenas[0];
    EXPECT_EQ(arena.start, InitialOffset(version));
    EXPECT_EQ(arena.internal_lbasize, row.internal_lbasize);
    EXPECT_EQ(arena.internal_nlba, row.internal_nlba);
    EXPECT_EQ(arena.external_nlba, row.external_nlba);
    EXPECT_EQ(arena.mapoff, row.mapoff);
    EXPECT_EQ(arena.logoff, logoff);
    EXPECT_EQ(arena.info2off, logoff + 0x4000);
    EXPECT_EQ(arena.dataoff, 4096u);
    EXPECT_EQ(arena.nextoff, 0u);
    EXPECT_EQ(arena.nfree, 256u);
    EXPECT_EQ(uint64_t{arena.external_nlba} * SectorSizeOf(row.lbasize), row.capacity);
  }
}

// As a Linux 6.1 kernel formatted them.
TEST(GeometryTest, SixtyFourMiBInVersion1_1) {
  const Row rows[] = {
      {512, 512, 129992, 129736, 0x3f7b000, 66424832},
      {520, 576, 115648, 115392, 0x3f89000, 59080704},
      {528, 576, 115648, 115392, 0x3f89000, 59080704},
      {4096, 4096, 16360, 16104, 0x3fea000, 65961984},
      {4104, 4160, 16108, 15852, 0x3fea000, 64929792},
      {4160, 4160, 16108, 15852, 0x3fea000, 64929792},
      {4224, 4224, 15864, 15608, 0x3fea000, 63930368},
  };
  ExpectRows(rows, Version::kV1_1, 0x3ffa000);
}

TEST(GeometryTest, SixtyFourMiBInVersion2_0) {
  const Row rows[] = {
      {512, 512, 130000, 129744, 0x3f7c000, 66428928},
      {520, 576, 115655, 115399, 0x3f8a000, 59084288},
      {528, 576, 115655, 115399, 0x3f8a000, 59084288},
      {4096, 4096, 16361, 16105, 0x3feb000, 65966080},
      {4104, 4160, 16109, 15853, 0x3feb000, 64933888},
      {4160, 4160, 16109, 15853, 0x3feb000, 64933888},
      {4224, 4224, 15865, 15609, 0x3feb000, 63934464},
  };
  ExpectRows(rows, Version::kV2_0, 0x3ffb000);
}

TEST(GeometryTest, OneArenaAndSeveral) {
  const struct {
    uint64_t size;
    uint32_t lbasize;
    size_t arenas;
    uint64_t blocks, capacity;
  } kRows[] = {
      {16 * kMiB + 4096, 512, 1, 32202, 16487424},
      {16 * kMiB + 4096, 4096, 1, 3829, 15683584},
      {1 * kGiB, 512, 1, 2080575, 1065254400},
      {1 * kGiB, 4096, 1, 261624, 1071611904},
      {512 * kGiB + 4096, 512, 1, 1065417932, 545493981184},
      {512 * kGiB + 4096, 4096, 1, 134086520, 549218385920},
      {1 * kTiB, 512, 2, 2130835856, 1090987958272},
      {1 * kTiB, 4096, 2, 268173039, 1098436767744},
  };
  for (const auto& row : kRows) {
    const auto arenas = DivideIntoArenas(row.size, Version::kV1_1, row.lbasize);
    ASSERT_EQ(arenas.size(), row.arenas);
    uint64_t blocks = 0;
    for (const ArenaGeometry& arena : arenas) blocks += arena.external_nlba;
    EXPECT_EQ(blocks, row.blocks);
    EXPECT_EQ(blocks * SectorSizeOf(row.lbasize), row.capacity);
  }
}

TEST(GeometryTest, ATebibyteIsTwoArenasBackToBack) {
  const auto arenas = DivideIntoArenas(kTiB, Version::kV1_1, 4096);
  ASSERT_EQ(arenas.size(), 2u);
  EXPECT_EQ(arenas[0].nextoff, uint64_t{1} << 39);
  EXPECT_EQ(arenas[0].mapoff, 0x7fe007b000u);
  EXPECT_EQ(arenas[0].logoff, 0x7fffffb000u);
  EXPECT_EQ(arenas[0].info2off, 0x7ffffff000u);
  EXPECT_EQ(arenas[1].start, 4096 + (uint64_t{1} << 39));
  EXPECT_EQ(arenas[1].size, (uint64_t{1} << 39) - 4096);
  EXPECT_EQ(arenas[1].nextoff, 0u);
  EXPECT_EQ(arenas[1].mapoff, 0x7fe007a000u);
  EXPECT_EQ(arenas[1].info2off, 0x7fffffe000u);
}

TEST(GeometryTest, ATailBelow16MiBIsUnused) {
  EXPECT_EQ(DivideIntoArenas(512 * kGiB, Version::kV1_1, 512).size(), 1u);
  const auto arenas = DivideIntoArenas(512 * kGiB + 4096 + 8 * kMiB, Version::kV1_1, 512);
  ASSERT_EQ(arenas.size(), 1u);
  EXPECT_EQ(arenas[0].nextoff, 0u);
  EXPECT_TRUE(DivideIntoArenas(16 * kMiB, Version::kV1_1, 512).empty());
  EXPECT_EQ(DivideIntoArenas(16 * kMiB, Version::kV2_0, 512).size(), 1u);
}

// The sizes at which ndctl's own test binds a v2.0 BTT that was made with 512-byte blocks.
TEST(GeometryTest, NdctlTestSizes) {
  const struct {
    uint64_t mib, bytes;
  } kRows[] = {{18, 0x11b5400}, {20, 0x13b1400}, {27, 0x1aa3600}};
  for (const auto& row : kRows)
    EXPECT_EQ(
        uint64_t{DivideIntoArenas(row.mib * kMiB, Version::kV2_0, 512)[0].external_nlba} * 512,
        row.bytes);
}

// Whatever the size, the parts follow each other and hold what they must.
TEST(GeometryTest, PartsNeverOverlapAtAnySize) {
  for (uint64_t size = 16 * kMiB; size < 40 * kMiB; size += 12345 * 512)
    for (uint32_t lbasize : kExternalSizes)
      for (Version version : {Version::kV1_1, Version::kV2_0})
        for (const ArenaGeometry& arena : DivideIntoArenas(size, version, lbasize)) {
          EXPECT_LE(arena.dataoff + uint64_t{arena.internal_nlba} * arena.internal_lbasize,
                    arena.mapoff);
          EXPECT_LE(arena.mapoff + uint64_t{arena.external_nlba} * 4, arena.logoff);
          EXPECT_EQ(arena.logoff + 16384, arena.info2off);
          EXPECT_EQ(arena.info2off + 4096, core::RoundDown(arena.size, 4096));
        }
}

}  // namespace
}  // namespace nvdimmfs::btt
