// SPDX-License-Identifier: Apache-2.0
#include "btt/btt.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "btt/flog.h"
#include "btt/info_block.h"
#include "btt/map_entry.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
const core::Uuid kUuid = *core::Uuid::Parse("3f9a6699-6bdc-424e-bc9f-c86d979c47e6");
const core::Uuid kParent = *core::Uuid::Parse("968ed3f7-0000-4000-8000-000000000001");

FormatOptions Options(uint32_t lbasize, Version version) {
  return {.uuid = kUuid, .parent_uuid = kParent, .external_lbasize = lbasize, .version = version};
}

std::vector<std::byte> Pattern(size_t size, uint32_t seed) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>((seed * 2654435761u + i * 40503u) >> 8);
  return bytes;
}

// A namespace in memory and what is on it.
class BttTest : public ::testing::Test {
 protected:
  void Make(uint64_t size) { ns_ = std::make_shared<core::MemoryMedia>(size); }

  std::shared_ptr<Btt> Bind(const FormatOptions& options) {
    auto btt = Btt::OpenOrFormat(ns_, options, false);
    EXPECT_TRUE(btt.ok()) << btt.status();
    return btt.ok() ? *btt : nullptr;
  }
  absl::Status OpenFailure(Version version, const core::Uuid& parent = kParent) {
    return Btt::Open(ns_, version, parent, false).status();
  }
  InfoBlock Info(uint64_t at) { return *LoadInfo(*ns_, at); }
  void Store(uint64_t at, const InfoBlock& info) {
    ASSERT_TRUE(ns_->Write(at, BytesOf(info)).ok());
  }
  uint32_t MapWord(const Btt& btt, uint32_t premap) {
    return core::LoadLe<uint32_t>(ns_->bytes().data() + btt.arenas()[0]->geometry().MapAt(premap));
  }
  std::vector<std::byte> ReadAll(const Btt& btt, uint64_t offset, size_t size) {
    std::vector<std::byte> out(size, std::byte{0xa5});
    const absl::Status status = btt.Read(offset, absl::MakeSpan(out));
    EXPECT_TRUE(status.ok()) << status;
    return out;
  }

  std::shared_ptr<core::MemoryMedia> ns_;
};

TEST_F(BttTest, EverySizeAndVersionKeepsWhatWasWrittenAcrossAnOpening) {
  for (Version version : {Version::kV1_1, Version::kV2_0}) {
    for (uint32_t lbasize : kExternalSizes) {
      SCOPED_TRACE(lbasize);
      Make(17 * kMiB);
      const auto data = Pattern(100000, lbasize);
      {
        auto btt = Bind(Options(lbasize, version));
        ASSERT_NE(btt, nullptr);
        EXPECT_EQ(btt->size() % btt->sector_size(), 0u);
        ASSERT_TRUE(btt->Write(12345, data).ok());
        ASSERT_TRUE(btt->Write(12345, data).ok());
        EXPECT_EQ(ReadAll(*btt, 12345, data.size()), data);
        EXPECT_EQ(ReadAll(*btt, 0, 12345), std::vector<std::byte>(12345));
      }
      auto again = Btt::Open(ns_, version, kParent, false);
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_EQ((*again)->external_lbasize(), lbasize);
      EXPECT_EQ((*again)->uuid(), kUuid);
      EXPECT_EQ(ReadAll(**again, 12345, data.size()), data);
    }
  }
}

TEST_F(BttTest, VersionDecidesWhereTheFirstArenaStarts) {
  Make(17 * kMiB);
  std::memset(ns_->bytes().data(), 0x5a, 4096);
  Bind(Options(4096, Version::kV1_1));
  EXPECT_EQ(ns_->bytes()[0], std::byte{0x5a});
  EXPECT_EQ(ns_->bytes()[4095], std::byte{0x5a});
  EXPECT_TRUE(Probe(*ns_, Version::kV1_1, kParent).ok());
  EXPECT_EQ(core::ErrnoOf(Probe(*ns_, Version::kV2_0, kParent).status()), ENODEV);
}

TEST_F(BttTest, FirstWriteOfALaneLooksAsTheKernelsDoes) {
  Make(64 * kMiB);
  auto btt = Bind(Options(520, Version::kV2_0));
  ASSERT_EQ(btt->arenas()[0]->geometry().external_nlba, 115399u);
  const auto data = Pattern(512, 1);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(btt->Write(5 * 512, data).ok());
  // One thread uses one lane; whichever it was, five writes leave {5, 5, E + lane, 3} as the
  // newest.
  EXPECT_EQ(MapWord(*btt, 5) & kMapFlags, kMapFlags);
  const uint32_t lane = (MapWord(*btt, 5) & kMapBlockMask) - 115399;
  ASSERT_LT(lane, 256u);
  const std::byte* group = ns_->bytes().data() + btt->arenas()[0]->geometry().FlogAt(lane);
  auto word = [&](int i) { return core::LoadLe<uint32_t>(group + 4 * i); };
  EXPECT_EQ(word(0), 5u);
  EXPECT_EQ(word(1), 115399 + lane);
  EXPECT_EQ(word(2), 5u);
  EXPECT_EQ(word(3), 2u);
  EXPECT_EQ(word(4), 5u);
  EXPECT_EQ(word(5), 5u);
  EXPECT_EQ(word(6), 115399 + lane);
  EXPECT_EQ(word(7), 3u);
  for (int i = 8; i < 16; ++i) EXPECT_EQ(word(i), 0u);
}

TEST_F(BttTest, TooSmallNamespacesAreEnxio) {
  Make(16 * kMiB);
  const auto v1 = Btt::OpenOrFormat(ns_, Options(4096, Version::kV1_1), false);
  EXPECT_EQ(core::ErrnoOf(v1.status()), ENXIO);
  EXPECT_EQ(core::ReasonOf(v1.status()), "btt.size");
  EXPECT_TRUE(Btt::OpenOrFormat(ns_, Options(4096, Version::kV2_0), false).ok());
  Make(16 * kMiB - 512);
  EXPECT_EQ(core::ErrnoOf(Probe(*ns_, Version::kV2_0, kParent).status()), ENXIO);
}

TEST_F(BttTest, BlankNamespacesAreNoBttForOpenAndForReadOnlyBinding) {
  Make(17 * kMiB);
  EXPECT_EQ(core::ErrnoOf(OpenFailure(Version::kV1_1)), ENODEV);
  const auto bound = Btt::OpenOrFormat(ns_, Options(4096, Version::kV1_1), true);
  EXPECT_EQ(core::ErrnoOf(bound.status()), ENOMEM);
  EXPECT_EQ(core::ReasonOf(bound.status()), "btt.info.signature");
}

TEST_F(BttTest, AnotherNamespacesBttIsNotOurs) {
  Make(17 * kMiB);
  Bind(Options(4096, Version::kV1_1));
  EXPECT_EQ(core::ReasonOf(OpenFailure(Version::kV1_1, kUuid)), "btt.info.parent");
}

TEST_F(BttTest, UnwrittenSectorsAreTheirOwnBlocks) {
  Make(17 * kMiB);
  auto btt = Bind(Options(4096, Version::kV1_1));
  const auto there = Pattern(4096, 9);
  ASSERT_TRUE(ns_->Write(btt->arenas()[0]->geometry().BlockAt(33), there).ok());
  EXPECT_EQ(ReadAll(*btt, 33 * 4096, 4096), there);
}

// The crafted logs that a real kernel was started on: the lane's slot 1, the map before, the map
// after.
TEST_F(BttTest, RecoveryDoesWhatTheKernelDoes) {
  Make(17 * kMiB);
  uint32_t e = 0;
  ArenaGeometry arena;
  {
    auto btt = Bind(Options(4096, Version::kV2_0));
    arena = btt->arenas()[0]->geometry();
    e = arena.external_nlba;
  }
  auto log = [&](uint32_t lane, uint32_t lba, uint32_t old_map, uint32_t new_map, uint32_t seq) {
    const uint64_t at = arena.FlogAt(lane) + 16;
    ASSERT_TRUE(ns_->Store64(at, lba | uint64_t{old_map} << 32).ok());
    ASSERT_TRUE(ns_->Store64(at + 8, new_map | uint64_t{seq} << 32).ok());
  };
  auto map = [&](uint32_t lba, uint32_t raw) {
    ASSERT_TRUE(ns_->Store32(arena.MapAt(lba), raw).ok());
  };
  log(3, 100, 100, e + 3, 2);
  log(4, 101, 101, e + 4, 2);
  map(101, MapEntry::Normal(e + 4));
  log(5, 102, 102, 0, 0);
  log(6, 103, 103, e + 6, 2);
  log(7, 103, e + 6, e + 7, 2);
  map(103, MapEntry::Normal(e + 7));
  log(8, 104, kMapE | 104, e + 8, 2);
  map(104, MapEntry::Normal(e + 8));
  auto btt = Btt::Open(ns_, Version::kV2_0, kParent, false);
  ASSERT_TRUE(btt.ok()) << btt.status();
  EXPECT_EQ(MapWord(**btt, 100), MapEntry::Normal(e + 3));
  EXPECT_EQ(MapWord(**btt, 101), MapEntry::Normal(e + 4));
  EXPECT_EQ(MapWord(**btt, 102), 0u);
  EXPECT_EQ(MapWord(**btt, 103), MapEntry::Normal(e + 7));
  EXPECT_EQ(MapWord(**btt, 104), MapEntry::Normal(e + 8));
}

TEST_F(BttTest, ReadOnlyOpeningStoresNothing) {
  Make(17 * kMiB);
  ArenaGeometry arena;
  {
    auto btt = Bind(Options(4096, Version::kV2_0));
    arena = btt->arenas()[0]->geometry();
  }
  ASSERT_TRUE(ns_->Store64(arena.FlogAt(3) + 16, 100 | uint64_t{100} << 32).ok());
  ASSERT_TRUE(
      ns_->Store64(arena.FlogAt(3) + 24, (arena.external_nlba + 3) | uint64_t{2} << 32).ok());
  const std::vector<std::byte> before(ns_->bytes().begin(), ns_->bytes().end());
  auto btt = Btt::Open(ns_, Version::kV2_0, kParent, true);
  ASSERT_TRUE(btt.ok());
  EXPECT_TRUE((*btt)->read_only());
  EXPECT_EQ(core::ErrnoOf((*btt)->Write(0, Pattern(4096, 1))), EROFS);
  EXPECT_EQ(core::ErrnoOf((*btt)->Discard(0, 4096)), EROFS);
  ReadAll(**btt, 100 * 4096, 4096);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), ns_->bytes().begin()));
}

// A kernel would take block 0 for the free block of all these lanes, and overwrite sector 0.
TEST_F(BttTest, LanesWhoseGroupsWereErasedAreOutOfService) {
  Make(17 * kMiB);
  const auto data = Pattern(300 * 512, 1);
  ArenaGeometry arena;
  {
    auto btt = Bind(Options(512, Version::kV2_0));
    arena = btt->arenas()[0]->geometry();
    ASSERT_TRUE(btt->Write(0, std::vector<std::byte>(512)).ok());
  }
  std::memset(ns_->bytes().data() + arena.FlogAt(0), 0, 4096);
  auto again = Btt::Open(ns_, Version::kV2_0, kParent, false);
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_TRUE((*again)->Write(512, data).ok());
  ASSERT_TRUE((*again)->Write(512, data).ok());
  EXPECT_EQ(ReadAll(**again, 512, data.size()), data);
  EXPECT_EQ(ReadAll(**again, 0, 512), std::vector<std::byte>(512));
  const std::byte* page = ns_->bytes().data() + arena.FlogAt(0);
  EXPECT_TRUE(std::all_of(page, page + 4096, [](std::byte b) { return b == std::byte{0}; }));
  std::memset(ns_->bytes().data() + arena.FlogAt(0), 0, arena.nfree * sizeof(FlogGroup));
  EXPECT_EQ(core::ErrnoOf(Btt::Open(ns_, Version::kV2_0, kParent, false).status()), ENOMEM);
}

TEST_F(BttTest, OldPaddingIsKept) {
  Make(17 * kMiB);
  ArenaGeometry arena;
  {
    auto btt = Bind(Options(512, Version::kV2_0));
    arena = btt->arenas()[0]->geometry();
    ASSERT_TRUE(btt->Write(0, Pattern(512 * 40, 1)).ok());
  }
  for (uint32_t lane = 0; lane < 256; ++lane) {  // slot 1 moves to slot 2
    std::byte* group = ns_->bytes().data() + arena.FlogAt(lane);
    std::memcpy(group + 32, group + 16, 16);
    std::memset(group + 16, 0, 16);
  }
  const auto data = Pattern(512 * 40, 2);
  for (int i = 0; i < 5; ++i) {
    auto btt = Btt::Open(ns_, Version::kV2_0, kParent, false);
    ASSERT_TRUE(btt.ok()) << btt.status();
    EXPECT_EQ((*btt)->arenas()[0]->padding(), kOldPadding);
    ASSERT_TRUE((*btt)->Write(0, data).ok());
    EXPECT_EQ(ReadAll(**btt, 0, data.size()), data);
  }
  for (uint32_t lane = 0; lane < 256; ++lane)
    EXPECT_EQ(core::LoadLe<uint64_t>(ns_->bytes().data() + arena.FlogAt(lane) + 24), 0u);
}

TEST_F(BttTest, LogsWithoutSenseFailStartUpWithEnomemAndTheirCause) {
  const struct {
    const char* name;
    void (*damage)(std::byte* flog);
    const char* reason;
  } kRows[] = {
      {"EqualSeq", [](std::byte* f) { f[16 + 12] = std::byte{1}; }, "btt.flog.seq"},
      {"SeqFour", [](std::byte* f) { f[12] = std::byte{4}; }, "btt.flog.seq"},
      {"MixedPadding",
       [](std::byte* f) {
         f[64 + 16 + 12] = std::byte{2};
         f[128 + 32 + 12] = std::byte{2};
       },
       "btt.flog.padding"},
      {"LbaOutside", [](std::byte* f) { f[3] = std::byte{1}; }, "btt.flog.range"},
      {"OldOutside", [](std::byte* f) { f[7] = std::byte{0x3f}; }, "btt.flog.range"},
      {"NewOutside", [](std::byte* f) { f[11] = std::byte{0x3f}; }, "btt.flog.range"},
  };
  for (const auto& row : kRows) {
    Make(17 * kMiB);
    auto btt = Bind(Options(4096, Version::kV1_1));
    row.damage(ns_->bytes().data() + btt->arenas()[0]->geometry().FlogAt(0));
    btt.reset();
    const absl::Status failure = OpenFailure(Version::kV1_1);
    EXPECT_EQ(core::ErrnoOf(failure), ENOMEM) << row.name;
    EXPECT_EQ(core::ReasonOf(failure), row.reason) << row.name;
    EXPECT_EQ(core::ErrnoOf(Btt::OpenOrFormat(ns_, Options(4096, Version::kV1_1), false).status()),
              ENOMEM);
  }
}

TEST_F(BttTest, TwoLanesOnOneBlockMayBeReadButNotWritten) {
  Make(17 * kMiB);
  auto btt = Bind(Options(4096, Version::kV1_1));
  const auto arena = btt->arenas()[0]->geometry();
  ASSERT_TRUE(ns_->Store64(arena.FlogAt(1), 1 | uint64_t{arena.external_nlba} << 32).ok());
  ASSERT_TRUE(ns_->Store64(arena.FlogAt(1) + 8, arena.external_nlba | uint64_t{1} << 32).ok());
  auto again = Btt::Open(ns_, Version::kV1_1, kParent, false);
  ASSERT_TRUE(again.ok());
  ReadAll(**again, 0, 4096);
  EXPECT_EQ(core::ReasonOf((*again)->Write(0, Pattern(4096, 1))), "btt.arena.damaged");
}

TEST_F(BttTest, AnArenaFlaggedWithAnErrorIsReadOnly) {
  Make(17 * kMiB);
  const auto data = Pattern(4096, 3);
  ASSERT_TRUE(Bind(Options(4096, Version::kV1_1))->Write(0, data).ok());
  InfoBlock info = Info(4096);
  info.flags = kInfoFlagError;
  Seal(info);
  Store(4096, info);
  auto btt = Btt::Open(ns_, Version::kV1_1, kParent, false);
  ASSERT_TRUE(btt.ok());
  EXPECT_EQ(ReadAll(**btt, 0, 4096), data);
  EXPECT_EQ(core::ErrnoOf((*btt)->Write(0, data)), EIO);
}

TEST_F(BttTest, MapEntriesOutsideTheArenaAreRefusedBeforeAnythingIsStored) {
  Make(17 * kMiB);
  auto btt = Bind(Options(4096, Version::kV1_1));
  const auto arena = btt->arenas()[0]->geometry();
  ASSERT_TRUE(ns_->Store32(arena.MapAt(5), 0xffffffff).ok());
  const std::vector<std::byte> before(ns_->bytes().begin(), ns_->bytes().end());
  std::vector<std::byte> out(4096);
  EXPECT_EQ(core::ReasonOf(btt->Read(5 * 4096, absl::MakeSpan(out))), "btt.map.range");
  EXPECT_EQ(core::ReasonOf(btt->Write(5 * 4096, Pattern(4096, 1))), "btt.map.range");
  EXPECT_EQ(core::ReasonOf(btt->Discard(5 * 4096, 4096)), "btt.map.range");
  EXPECT_TRUE(std::equal(before.begin(), before.end(), ns_->bytes().begin()));
  EXPECT_TRUE(btt->Write(4 * 4096, Pattern(4096, 1)).ok());
}

TEST_F(BttTest, ABatchEndsBeforeAnEntryThatCannotBeUsed) {
  Make(17 * kMiB);
  auto btt = Bind(Options(4096, Version::kV1_1));
  const auto arena = btt->arenas()[0]->geometry();
  ASSERT_TRUE(ns_->Store32(arena.MapAt(7), 0xffffffff).ok());
  const auto data = Pattern(5 * 4096, 3);
  EXPECT_EQ(core::ReasonOf(btt->Write(5 * 4096, data)), "btt.map.range");
  EXPECT_EQ(ReadAll(*btt, 5 * 4096, 2 * 4096),
            std::vector<std::byte>(data.begin(), data.begin() + 2 * 4096));
  EXPECT_EQ(MapWord(*btt, 7), 0xffffffffu);
  EXPECT_EQ(MapWord(*btt, 8), 0u);
}

// Blocks of 4160 bytes share 512-byte units with their neighbours: such a unit cannot be made good
// without hiding the neighbour's loss, so the lanes on both sides of it leave service.
TEST_F(BttTest, WritesGoAroundFreeBlocksThatCannotBeMadeGood) {
  Make(17 * kMiB);
  auto btt = Bind(Options(4160, Version::kV1_1));
  const auto arena = btt->arenas()[0]->geometry();
  for (uint32_t lane = 1; lane < 254; ++lane)
    ASSERT_TRUE(ns_->InjectPoison({arena.BlockAt(arena.external_nlba + lane), 1}).ok());
  const auto data = Pattern(20 * 4096, 3);
  ASSERT_TRUE(btt->Write(0, data).ok());
  EXPECT_EQ(ReadAll(*btt, 0, data.size()), data);
  for (uint32_t lane : {254u, 255u})
    ASSERT_TRUE(ns_->InjectPoison({arena.BlockAt(arena.external_nlba + lane), 1}).ok());
  for (uint32_t block = 0; block < 40; ++block)
    ASSERT_TRUE(ns_->InjectPoison({arena.BlockAt(block), 1}).ok());
  EXPECT_EQ(core::ReasonOf(btt->Write(100 * 4096, data)), "btt.lanes.none");
}

TEST_F(BttTest, BadRangesAreTheSectorsThatCannotBeReadUntilTheyAreWritten) {
  for (uint32_t lbasize : {512u, 4096u, 4224u}) {
    Make(17 * kMiB);
    auto btt = Bind(Options(lbasize, Version::kV1_1));
    const uint64_t sector = btt->sector_size();
    const ArenaGeometry arena = btt->arenas()[0]->geometry();
    EXPECT_EQ(btt->BadRanges(), std::vector<core::Range>{});
    ASSERT_TRUE(ns_->InjectPoison({arena.BlockAt(40) + sector / 2, 1}).ok());
    ASSERT_TRUE(ns_->Store32(arena.MapAt(41), MapEntry::Error(41)).ok());
    ASSERT_TRUE(ns_->Store32(arena.MapAt(50), MapEntry::Error(50)).ok());
    ASSERT_TRUE(ns_->Store32(arena.MapAt(60), MapEntry::Zero(60)).ok());
    ASSERT_TRUE(ns_->InjectPoison({arena.BlockAt(60) + sector / 2, 1}).ok());  // not read
    EXPECT_EQ(btt->BadRanges(),
              (std::vector<core::Range>{{40 * sector, 2 * sector}, {50 * sector, sector}}))
        << lbasize;
    std::vector<std::byte> out(sector);
    EXPECT_TRUE(btt->Read(39 * sector, absl::MakeSpan(out)).ok());
    EXPECT_TRUE(btt->Read(42 * sector, absl::MakeSpan(out)).ok());
    EXPECT_EQ(core::ErrnoOf(btt->Read(40 * sector, absl::MakeSpan(out))), EIO);
    EXPECT_EQ(MapWord(*btt, 40), MapEntry::Error(40));  // lost, even where the media heals
    for (uint64_t lba : {40, 41, 50}) ASSERT_TRUE(btt->Write(lba * sector, out).ok()) << lba;
    EXPECT_EQ(btt->BadRanges(), std::vector<core::Range>{}) << lbasize;
    // 128 sectors share a unit of the map, and go with it.
    ASSERT_TRUE(ns_->InjectPoison({arena.MapAt(0) + 512, 1}).ok());
    EXPECT_EQ(btt->BadRanges(), (std::vector<core::Range>{{128 * sector, 128 * sector}}));
    EXPECT_EQ(core::ReasonOf(btt->Write(128 * sector, out)), "media.poison");
    EXPECT_TRUE(btt->Write(127 * sector, out).ok());
    EXPECT_TRUE(btt->Write(256 * sector, out).ok());
  }
}

// As a kernel logs it: {19, 0x40000013, E + lane, 2}.
TEST_F(BttTest, AWriteOverALostSectorLogsTheErrorAndMakesItNormal) {
  Make(17 * kMiB);
  auto btt = Bind(Options(512, Version::kV2_0));
  const ArenaGeometry arena = btt->arenas()[0]->geometry();
  ASSERT_TRUE(ns_->Store32(arena.MapAt(19), MapEntry::Error(19)).ok());
  std::vector<std::byte> out(512);
  EXPECT_EQ(core::ReasonOf(btt->Read(19 * 512, absl::MakeSpan(out))), "btt.map.error");
  EXPECT_EQ(core::ReasonOf(btt->Write(19 * 512 + 1, Pattern(3, 1))), "btt.map.error");
  ASSERT_TRUE(btt->Write(19 * 512, Pattern(512, 1)).ok());
  const uint32_t lane = (MapWord(*btt, 19) & kMapBlockMask) - arena.external_nlba;
  ASSERT_LT(lane, 256u);
  const std::byte* entry = ns_->bytes().data() + arena.FlogAt(lane) + 16;
  EXPECT_EQ(core::LoadLe<uint32_t>(entry), 19u);
  EXPECT_EQ(core::LoadLe<uint32_t>(entry + 4), 0x40000013u);
  EXPECT_EQ(ReadAll(*btt, 19 * 512, 512), Pattern(512, 1));
}

TEST_F(BttTest, DiscardSetsZKeepsTheBlockAndAWriteClearsIt) {
  Make(17 * kMiB);
  auto btt = Bind(Options(4096, Version::kV1_1));
  ASSERT_TRUE(btt->Write(7 * 4096, Pattern(4096, 1)).ok());
  const uint32_t block = MapWord(*btt, 7) & kMapBlockMask;
  ASSERT_TRUE(btt->Discard(7 * 4096, 2 * 4096).ok());
  EXPECT_EQ(MapWord(*btt, 7), MapEntry::Zero(block));
  EXPECT_EQ(MapWord(*btt, 8), MapEntry::Zero(8));
  EXPECT_EQ(ReadAll(*btt, 7 * 4096, 8192), std::vector<std::byte>(8192));
  ASSERT_TRUE(btt->Write(7 * 4096 + 10, Pattern(10, 1)).ok());
  EXPECT_EQ(MapWord(*btt, 7) & kMapFlags, kMapFlags);
  auto expected = std::vector<std::byte>(4096);
  const auto piece = Pattern(10, 1);
  std::copy(piece.begin(), piece.end(), expected.begin() + 10);
  EXPECT_EQ(ReadAll(*btt, 7 * 4096, 4096), expected);
}

// A kernel that meets Z in the first of a page's 512-byte sectors leaves the rest of the page
// undefined.
TEST_F(BttTest, DiscardedSectorsOf512AreWrittenNotFlagged) {
  Make(17 * kMiB);
  auto btt = Bind(Options(512, Version::kV1_1));
  ASSERT_TRUE(btt->Write(0, Pattern(4096, 1)).ok());
  ASSERT_TRUE(btt->Discard(512, 2048).ok());
  for (uint32_t lba = 0; lba < 8; ++lba) EXPECT_EQ(MapWord(*btt, lba) & kMapFlags, kMapFlags);
  EXPECT_EQ(ReadAll(*btt, 512, 2048), std::vector<std::byte>(2048));
}

TEST_F(BttTest, SectorsOf512ThatAreZerosAlreadyAreDiscardedWithoutAStore) {
  Make(17 * kMiB);
  auto btt = Bind(Options(512, Version::kV1_1));
  ASSERT_TRUE(btt->Write(0, std::vector<std::byte>(1024)).ok());  // two blocks of zeros
  ASSERT_TRUE(btt->Write(700 * 512, Pattern(512, 1)).ok());
  const std::vector<std::byte> before(ns_->bytes().begin(), ns_->bytes().end());
  ASSERT_TRUE(btt->Discard(0, 640 * 512).ok());
  ASSERT_TRUE(btt->Discard(750 * 512, 1024 * 512).ok());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), ns_->bytes().begin()));
  // And what is not zeros is written, wherever it lies in what was asked for.
  ASSERT_TRUE(btt->Discard(0, btt->size()).ok());
  EXPECT_EQ(ReadAll(*btt, 700 * 512, 512), std::vector<std::byte>(512));
  EXPECT_EQ(MapWord(*btt, 2), 0u) << "never written";
}

// Counts the bytes that are stored to it.
class CountingMedia final : public core::MemoryMedia {
 public:
  CountingMedia(uint64_t size, uint64_t hole_unit) : MemoryMedia(size), hole_unit_(hole_unit) {}
  absl::Status Write(uint64_t offset, absl::Span<const std::byte> data) override {
    stored += data.size();
    return MemoryMedia::Write(offset, data);
  }
  absl::Status Store32(uint64_t offset, uint32_t value) override {
    stored += sizeof value;
    return MemoryMedia::Store32(offset, value);
  }
  absl::Status Store64(uint64_t offset, uint64_t value) override {
    stored += sizeof value;
    return MemoryMedia::Store64(offset, value);
  }
  absl::Status Punch(uint64_t offset, uint64_t length) override {
    if (refuses_holes) return core::Refusal(EOPNOTSUPP, "media.punch", "no holes here");
    ++holes;
    return MemoryMedia::Punch(offset, length);
  }
  uint64_t hole_unit() const override { return hole_unit_; }

  uint64_t stored = 0, holes = 0;
  bool refuses_holes = false;

 private:
  const uint64_t hole_unit_;
};

TEST_F(BttTest, PagesOfDiscardedSectorsOf512AreGivenBackAndNotWritten) {
  constexpr uint64_t kFirst = 1000 * 512, kLength = 5 * kMiB;
  struct Case {
    uint64_t hole_unit;
    bool refuses;
    uint64_t most_stored;  // by the discard
  };
  // What is at both ends shares its page with neighbours; and where a piece of 4 MiB ends.
  for (const Case& media : {Case{4096, false, kLength / 50}, Case{16384, false, kLength / 10},
                            Case{0, false, 2 * kLength}, Case{4096, true, 2 * kLength}}) {
    auto counting = std::make_shared<CountingMedia>(17 * kMiB, media.hole_unit);
    ns_ = counting;
    auto btt = Bind(Options(512, Version::kV1_1));
    const auto all = Pattern(6 * kMiB, 3);
    ASSERT_TRUE(btt->Write(0, all).ok());
    counting->refuses_holes = media.refuses;
    counting->stored = counting->holes = 0;
    ASSERT_TRUE(btt->Discard(kFirst, kLength).ok());
    EXPECT_LE(counting->stored, media.most_stored) << media.hole_unit;
    if (media.most_stored < kLength) {
      EXPECT_LE(counting->holes, 30u);
    } else {
      EXPECT_GT(counting->stored, kLength);
    }
    auto expected = all;
    std::fill_n(expected.begin() + kFirst, kLength, std::byte{0});
    EXPECT_EQ(ReadAll(*btt, 0, all.size()), expected);
    for (uint32_t lba = 990; lba < 1100; ++lba)
      EXPECT_EQ(MapWord(*btt, lba) & kMapFlags, kMapFlags) << lba;
    // The next opening finds the same, and the sectors take data again.
    btt = Bind(Options(512, Version::kV1_1));
    EXPECT_EQ(ReadAll(*btt, 0, all.size()), expected);
    ASSERT_TRUE(btt->Write(kFirst, absl::MakeConstSpan(all).subspan(kFirst, kMiB)).ok());
    std::copy_n(all.begin() + kFirst, kMiB, expected.begin() + kFirst);
    EXPECT_EQ(ReadAll(*btt, 0, all.size()), expected);
  }
}

// Blocks of 576 bytes lie across pages: of one that is given back a part would be zeros.
TEST_F(BttTest, DiscardedSectorsWithMetadataAreWritten) {
  auto counting = std::make_shared<CountingMedia>(17 * kMiB, 4096);
  ns_ = counting;
  auto btt = Bind(Options(520, Version::kV1_1));
  ASSERT_TRUE(btt->Write(0, Pattern(kMiB, 4)).ok());
  counting->stored = counting->holes = 0;
  ASSERT_TRUE(btt->Discard(0, kMiB).ok());
  EXPECT_GT(counting->stored, kMiB);
  EXPECT_EQ(counting->holes, 0u);
  EXPECT_EQ(ReadAll(*btt, 0, kMiB), std::vector<std::byte>(kMiB));
}

TEST_F(BttTest, APageWithALostSectorIsWrittenAndGoodAgain) {
  Make(17 * kMiB);
  auto btt = Bind(Options(512, Version::kV1_1));
  ASSERT_TRUE(btt->Write(0, Pattern(65536, 5)).ok());
  const uint64_t block = btt->arenas()[0]->geometry().BlockAt(MapWord(*btt, 64) & kMapBlockMask);
  ASSERT_TRUE(ns_->InjectPoison({block, 1}).ok());
  std::vector<std::byte> sector(512);
  EXPECT_EQ(core::ReasonOf(btt->Read(64 * 512, absl::MakeSpan(sector))), "media.poison");
  ASSERT_TRUE(btt->Discard(0, 65536).ok());
  EXPECT_EQ(ReadAll(*btt, 0, 65536), std::vector<std::byte>(65536));
  EXPECT_TRUE(btt->BadRanges().empty());
}

TEST_F(BttTest, SectorSizeOfTheDeviceRulesCapacityAndASectorIsWhatTheMediasBlockHolds) {
  Make(18 * kMiB);
  const auto blocks = Pattern(1024, 3);
  ASSERT_TRUE(Bind(Options(512, Version::kV2_0))->Write(0, blocks).ok());
  auto btt = Bind(Options(4096, Version::kV2_0));
  EXPECT_EQ(btt->size(), 0x8daa000u);
  std::vector<std::byte> out = ReadAll(*btt, 0, 8192), expected(8192);
  std::copy_n(blocks.begin(), 512, expected.begin());
  std::copy_n(blocks.begin() + 512, 512, expected.begin() + 4096);
  EXPECT_EQ(out, expected);
  EXPECT_EQ(ReadAll(*btt, 500, 100)[12], std::byte{0});
  EXPECT_TRUE(btt->Write(0, out).ok());
  out[512] = std::byte{1};
  EXPECT_EQ(core::ReasonOf(btt->Write(0, out)), "btt.sector_size.mismatch");
  EXPECT_EQ(core::ReasonOf(btt->Write(600, Pattern(8, 1))), "btt.sector_size.mismatch");
  EXPECT_EQ(core::ReasonOf(btt->Discard(0, 4096)), "btt.sector_size.mismatch");
  EXPECT_EQ(core::ReasonOf(btt->Write(btt->size() - 8, Pattern(16, 1))), "media.range");
  ASSERT_TRUE(btt->Write(4096 + 10, Pattern(10, 5)).ok());
  std::copy_n(Pattern(10, 5).begin(), 10, expected.begin() + 4096 + 10);
  EXPECT_EQ(ReadAll(*btt, 0, 8192), expected);
  const auto btt512 = Bind(Options(512, Version::kV2_0));
  EXPECT_EQ(ReadAll(*btt512, 522, 10), Pattern(10, 5));
  btt = Bind(Options(520, Version::kV2_0));
  out.resize(4096);
  EXPECT_EQ(btt->size(), 0x11b5400u);
  EXPECT_TRUE(btt->Read(0, absl::MakeSpan(out)).ok());
  EXPECT_EQ(btt->external_lbasize(), 512u);
}

TEST_F(BttTest, SmallSectorsOnAMediaOfLargeBlocksAreTheirBeginnings) {
  Make(18 * kMiB);
  const auto blocks = Pattern(8192, 3);
  ASSERT_TRUE(Bind(Options(4096, Version::kV2_0))->Write(0, blocks).ok());
  {
    auto btt = Bind(Options(512, Version::kV2_0));
    auto expected = std::vector<std::byte>(blocks.begin(), blocks.begin() + 512);
    EXPECT_EQ(ReadAll(*btt, 0, 512), expected);
    expected.assign(blocks.begin() + 4096, blocks.begin() + 4608);
    EXPECT_EQ(ReadAll(*btt, 512, 512), expected);
    ASSERT_TRUE(btt->Write(512, Pattern(512, 9)).ok());
  }
  auto expected = blocks;
  const auto written = Pattern(512, 9);
  std::copy(written.begin(), written.end(), expected.begin() + 4096);
  EXPECT_EQ(ReadAll(*Bind(Options(4096, Version::kV2_0)), 0, 8192), expected);
}

TEST_F(BttTest, ALostInfoBlockIsPutBackForItsOwnerAndFormattedOverForAnother) {
  Make(17 * kMiB);
  const auto data = Pattern(4096, 5);
  ASSERT_TRUE(Bind(Options(4096, Version::kV1_1))->Write(0, data).ok());
  std::memset(ns_->bytes().data() + 4096, 0xee, 100);
  EXPECT_EQ(core::ErrnoOf(OpenFailure(Version::kV1_1)), ENODEV);
  EXPECT_EQ(ReadAll(*Bind(Options(4096, Version::kV1_1)), 0, 4096), data);
  std::memset(ns_->bytes().data() + 4096, 0xee, 100);
  FormatOptions other = Options(4096, Version::kV1_1);
  other.uuid = kParent;
  auto btt = Bind(other);
  EXPECT_EQ(btt->uuid(), kParent);
  EXPECT_EQ(MapWord(*btt, 0), 0u);
}

TEST_F(BttTest, AccessBeyondTheEndIsRefused) {
  Make(17 * kMiB);
  auto btt = Bind(Options(4096, Version::kV1_1));
  std::vector<std::byte> out(2);
  EXPECT_EQ(core::ReasonOf(btt->Read(btt->size() - 1, absl::MakeSpan(out))), "media.range");
  EXPECT_EQ(core::ReasonOf(btt->Write(btt->size(), out)), "media.range");
  EXPECT_TRUE(btt->Write(btt->size(), absl::Span<const std::byte>()).ok());
}

TEST_F(BttTest, TwoArenasMeetWithoutAGap) {
  Make((uint64_t{1} << 39) + 4096 + 32 * kMiB);
  auto btt = Bind(Options(4096, Version::kV1_1));
  ASSERT_EQ(btt->arenas().size(), 2u);
  const uint64_t border = uint64_t{btt->arenas()[0]->sectors()} * 4096;
  const auto data = Pattern(5 * 4096, 8);
  ASSERT_TRUE(btt->Write(border - 2 * 4096 - 100, data).ok());
  EXPECT_EQ(ReadAll(*btt, border - 2 * 4096 - 100, data.size()), data);
  btt.reset();
  auto again = Btt::Open(ns_, Version::kV1_1, kParent, false);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(ReadAll(**again, border - 2 * 4096 - 100, data.size()), data);
  // A later arena that is lost fails start-up: nothing is formatted over arena 0.
  std::memset(ns_->bytes().data() + (uint64_t{1} << 39) + 4096, 0, 16);
  EXPECT_EQ(core::ErrnoOf(OpenFailure(Version::kV1_1)), ENOMEM);
  EXPECT_EQ(core::ErrnoOf(Btt::OpenOrFormat(ns_, Options(4096, Version::kV1_1), false).status()),
            ENOMEM);
}

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

TEST_F(BttTest, OpeningTwoTebibytesTakesNoTimeAndNoMemory) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer leaves no 2 TiB of address space";
#endif
#endif
  for (uint64_t size : {uint64_t{16} << 30, uint64_t{2} << 40}) {
    for (uint32_t lbasize : {512u, 4096u}) {
      Make(size);
      ASSERT_NE(Bind(Options(lbasize, Version::kV1_1)), nullptr);
      const uint64_t before = ResidentBytes();
      const auto start = std::chrono::steady_clock::now();
      auto btt = Btt::Open(ns_, Version::kV1_1, kParent, false);
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - start;
      ASSERT_TRUE(btt.ok()) << btt.status();
      const uint64_t grown = ResidentBytes() - std::min(before, ResidentBytes());
      std::printf("[   OPEN   ] %5llu GiB, %4u B blocks: %zu arenas in %.0f us, %llu KiB\n",
                  static_cast<unsigned long long>(size >> 30), lbasize, (*btt)->arenas().size(),
                  took.count(), static_cast<unsigned long long>(grown >> 10));
      EXPECT_LT(took.count(), 1e6);
      EXPECT_LT(grown, 4 * kMiB);
    }
  }
}

}  // namespace
}  // namespace nvdimmfs::btt
