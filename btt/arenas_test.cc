// SPDX-License-Identifier: Apache-2.0
// BTTs of several arenas: found, checked, mended and written, also when the power fails.
//
// A kernel's arenas are 512 GiB each. The chain on media allows smaller ones, down to 16 MiB, and
// those are what power is cut over here; what follows from the size of the namespace alone (where
// the copy of a lost block lies) is asked of sparse media of terabytes.
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "btt/btt.h"
#include "btt/check.h"
#include "btt/formatter.h"
#include "btt/map_entry.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/testing/faulty_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

using ::nvdimmfs::testing::FaultyMedia;
using MediaPtr = std::shared_ptr<FaultyMedia>;
using Bytes = std::vector<std::byte>;

constexpr uint64_t kSector = 4096;
constexpr Version kVersion = Version::kV1_1;
const core::Uuid kUuid = *core::Uuid::Parse("11111111-2222-4333-8444-555555555555");
const core::Uuid kParent = *core::Uuid::Parse("99999999-2222-4333-8444-555555555555");

Bytes Filled(uint64_t lba, uint64_t generation) {
  Bytes bytes(kSector);
  for (size_t at = 0; at < bytes.size(); at += 8) {
    const uint64_t word = lba << 32 | generation << 16 | at / 8;
    std::memcpy(bytes.data() + at, &word, 8);
  }
  return bytes;
}

std::string Join(const std::vector<core::Finding>& findings) {
  std::string text;
  for (const core::Finding& finding : findings)
    text +=
        finding.reason + " at " + std::to_string(finding.offset) + ": " + finding.sentence + "\n";
  return text;
}

std::vector<core::Finding> CheckOf(const FaultyMedia& media) {
  return Check(media, kVersion, kParent);
}

absl::Status KeepNothing(uint64_t, absl::Span<const std::byte>) { return absl::OkStatus(); }

// Arenas of `size` bytes, chained.
std::vector<ArenaGeometry> Chain(size_t count, uint64_t size) {
  std::vector<ArenaGeometry> arenas;
  const ArenaGeometry one =
      DivideIntoArenas(InitialOffset(kVersion) + size, kVersion, kSector).front();
  for (size_t i = 0; i < count; ++i) {
    arenas.push_back(one);
    arenas.back().start += i * size;
    arenas.back().nextoff = i + 1 < count ? size : 0;
  }
  return arenas;
}

// Three small arenas; the sectors around both borders hold their number and generation 1.
struct Small {
  static constexpr size_t kArenas = 3;
  static constexpr uint64_t kNear = 6;  // sectors on either side of a border

  MediaPtr media = std::make_shared<FaultyMedia>(InitialOffset(kVersion) + kArenas * kMinArena);
  std::vector<ArenaGeometry> arenas = Chain(kArenas, kMinArena);

  Small() {
    EXPECT_TRUE(FormatArenas(*media, arenas, kUuid, kParent, kVersion).ok());
    auto btt = Opened();
    for (uint64_t lba : Written()) EXPECT_TRUE(btt->Write(lba * kSector, Filled(lba, 1)).ok());
  }
  std::shared_ptr<Btt> Opened() const {
    auto btt = Btt::Open(media, kVersion, kParent, false);
    EXPECT_TRUE(btt.ok()) << btt.status();
    return btt.ok() ? *btt : nullptr;
  }
  uint64_t Border(size_t arena) const { return arena * arenas[0].external_nlba; }
  std::set<uint64_t> Written() const {
    std::set<uint64_t> lbas;
    for (size_t arena = 1; arena < kArenas; ++arena)
      for (uint64_t i = 0; i < 2 * kNear; ++i) lbas.insert(Border(arena) - kNear + i);
    return lbas;
  }
  // Every sector holds its own, except `lost` ones, which may be unreadable, and `strays`, which
  // read the zeros of the block that they got.
  void ExpectContents(const std::set<uint64_t>& lost, const std::set<uint64_t>& strays) const {
    auto btt = Opened();
    ASSERT_NE(btt, nullptr);
    for (uint64_t lba : Written()) {
      Bytes out(kSector);
      const bool readable = btt->Read(lba * kSector, absl::MakeSpan(out)).ok();
      EXPECT_TRUE(readable || lost.contains(lba)) << lba;
      if (readable) {
        EXPECT_EQ(out, strays.contains(lba) ? Bytes(kSector) : Filled(lba, 1)) << lba;
      }
    }
  }
  void Flip(uint64_t at) const {
    std::array<std::byte, 1> byte;
    EXPECT_TRUE(media->Read(at, absl::MakeSpan(byte)).ok());
    byte[0] ^= std::byte{0x40};
    EXPECT_TRUE(media->WriteThrough(at, byte).ok());
    EXPECT_TRUE(media->Drain().ok());
  }
  void SetMap(size_t arena, uint32_t premap, uint32_t raw) const {
    const uint64_t at = arenas[arena].MapAt(premap);
    EXPECT_TRUE(media->Store32(at, raw).ok());
    EXPECT_TRUE(media->Persist(at, 4).ok());
  }
  // A write that was logged and did not get into the map.
  void Interrupt(size_t arena, uint32_t lane, uint32_t premap) const {
    const uint64_t at = arenas[arena].FlogAt(lane) + sizeof(FlogEntry);
    const uint64_t fresh = arenas[arena].external_nlba + lane;
    EXPECT_TRUE(media->StoreThrough64(at, premap | uint64_t{premap} << 32).ok());
    EXPECT_TRUE(media->StoreThrough64(at + 8, fresh | uint64_t{2} << 32).ok());
    EXPECT_TRUE(media->Drain().ok());
  }
  void StoreInfo(size_t arena, const std::function<void(InfoBlock&)>& change) const {
    auto info = LoadInfo(*media, arenas[arena].start);
    ASSERT_TRUE(info.ok());
    change(*info);
    Seal(*info);
    for (uint64_t at : {arenas[arena].start, arenas[arena].Info2At()})
      EXPECT_TRUE(media->WriteThrough(at, BytesOf(*info)).ok());
    EXPECT_TRUE(media->Drain().ok());
  }
};

struct Damage {
  const char* name;
  void (*inflict)(const Small&);
  // Reason, and where: an offset computed from the arenas.
  std::vector<std::pair<std::string, std::function<uint64_t(const Small&)>>> findings;
  std::function<std::set<uint64_t>(const Small&)> lost = nullptr;
  // Sectors whose entry names a block that was never theirs, and that nothing disputes.
  std::function<std::set<uint64_t>(const Small&)> strays = nullptr;
};

constexpr uint64_t kFlagsAt = offsetof(InfoBlock, flags);

const Damage kDamages[] = {
    {"FirstInfoOfTheMiddle",
     [](const Small& s) { s.Flip(s.arenas[1].start + 3000); },
     {{"btt.info.chain", [](const Small& s) { return s.arenas[1].start; }}}},
    {"UuidOfTheMiddle",
     [](const Small& s) { s.Flip(s.arenas[1].start + 17); },
     {{"btt.info.chain", [](const Small& s) { return s.arenas[1].start; }}}},
    {"FirstInfosOfAll",
     [](const Small& s) {
       for (const ArenaGeometry& arena : s.arenas) s.Flip(arena.start + 3000);
     },
     {{"btt.info.checksum", [](const Small& s) { return s.arenas[0].start; }},
      {"btt.info.chain", [](const Small& s) { return s.arenas[1].start; }},
      {"btt.info.chain", [](const Small& s) { return s.arenas[2].start; }}}},
    {"CopiesOfAll",
     [](const Small& s) {
       for (const ArenaGeometry& arena : s.arenas) s.Flip(arena.Info2At() + 70);
     },
     {{"btt.info.backup", [](const Small& s) { return s.arenas[0].Info2At(); }},
      {"btt.info.backup", [](const Small& s) { return s.arenas[1].Info2At(); }},
      {"btt.info.backup", [](const Small& s) { return s.arenas[2].Info2At(); }}}},
    {"CopyOfTheLastPoisoned",
     [](const Small& s) {
       s.media->Poison({s.arenas[2].Info2At(), 1});
     },
     {{"btt.info.backup", [](const Small& s) { return s.arenas[2].Info2At(); }}}},
    {"LastIsFlagged",
     [](const Small& s) { s.StoreInfo(2, [](InfoBlock& info) { info.flags = kInfoFlagError; }); },
     {{"btt.info.flags", [](const Small& s) { return s.arenas[2].start + kFlagsAt; }}}},
    {"SharedBlockInTheMiddle",
     [](const Small& s) { s.SetMap(1, 2, MapEntry::Normal(700)); },  // as the unwritten sector 700
     {{"btt.map.initial", [](const Small& s) { return s.arenas[1].MapAt(700); }},
      {"btt.block.lost", nullptr}},
     nullptr,
     [](const Small& s) { return std::set<uint64_t>{s.Border(1) + 2}; }},
    {"RangeInTwoArenas",
     [](const Small& s) {
       s.SetMap(1, 1, 0xffffffff);
       s.SetMap(2, 1, 0xffffffff);
     },
     {{"btt.map.range", [](const Small& s) { return s.arenas[1].MapAt(1); }},
      {"btt.block.lost", nullptr},
      {"btt.map.range", [](const Small& s) { return s.arenas[2].MapAt(1); }},
      {"btt.block.lost", nullptr}},
     [](const Small& s) {
       return std::set<uint64_t>{s.Border(1) + 1, s.Border(2) + 1};
     }},
    {"InterruptedInTwoArenas",
     [](const Small& s) {
       s.Interrupt(0, 210, 1000);
       s.Interrupt(2, 211, 1001);
     },
     {{"btt.flog.pending", [](const Small& s) { return s.arenas[0].FlogAt(210); }},
      {"btt.flog.pending", [](const Small& s) { return s.arenas[2].FlogAt(211); }}}},
};

class SmallArenasTest : public ::testing::TestWithParam<Damage> {
 protected:
  std::set<uint64_t> Lost(const Small& small) const {
    return GetParam().lost ? GetParam().lost(small) : std::set<uint64_t>{};
  }
  std::set<uint64_t> Strays(const Small& small) const {
    return GetParam().strays ? GetParam().strays(small) : std::set<uint64_t>{};
  }
  // Sound except for sectors that are marked as lost, and every sector holds its own.
  void ExpectMended(const Small& small) const {
    for (const core::Finding& finding : CheckOf(*small.media))
      EXPECT_EQ(finding.reason, "btt.map.error") << finding.sentence;
    small.ExpectContents(Lost(small), Strays(small));
  }
};

INSTANTIATE_TEST_SUITE_P(Damages, SmallArenasTest, ::testing::ValuesIn(kDamages),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(SmallArenasTest, IsFoundWhereItIs) {
  const Small small;
  ASSERT_EQ(Join(CheckOf(*small.media)), "");
  GetParam().inflict(small);
  const auto found = CheckOf(*small.media);
  ASSERT_EQ(found.size(), GetParam().findings.size()) << Join(found);
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& [reason, offset] = GetParam().findings[i];
    EXPECT_EQ(found[i].reason, reason) << Join(found);
    if (offset) {
      EXPECT_EQ(found[i].offset, offset(small)) << found[i].sentence;
    }
  }
  EXPECT_EQ(Detect(*small.media, kParent), kVersion);
}

TEST_P(SmallArenasTest, ARepairMayBeCutAnywhere) {
  const Small small;
  GetParam().inflict(small);
  int64_t step = 0;
  uint64_t states = 0;
  for (;; ++step) {
    SCOPED_TRACE("power cut before step " + std::to_string(step));
    Small cut = small;
    cut.media = small.media->Clone();
    cut.media->CutBefore(step);
    (void)Repair(*cut.media, kVersion, kParent, KeepNothing);
    for (const MediaPtr& after : cut.media->Outcomes(4, step)) {
      ++states;
      Small mended = small;
      mended.media = after;
      const auto report = Repair(*after, kVersion, kParent, KeepNothing);
      ASSERT_TRUE(report.ok()) << report.status();
      ExpectMended(mended);
      if (HasFailure()) return;
    }
    if (!cut.media->cut()) break;
  }
  std::printf("[   STATES ] %s: %lld steps, %llu states\n", GetParam().name,
              static_cast<long long>(step), static_cast<unsigned long long>(states));
}

// Arenas that cannot be of one BTT are told, and neither opened nor changed.
TEST(ArenasTest, SizesThatDisagreeAreFoundAndLeftAlone) {
  const Small small;
  const ArenaGeometry other = [&] {
    ArenaGeometry arena =
        DivideIntoArenas(InitialOffset(kVersion) + kMinArena, kVersion, 512).front();
    arena.start = small.arenas[1].start;
    arena.nextoff = small.arenas[1].nextoff;
    return arena;
  }();
  for (uint64_t at : {other.start, other.Info2At()})
    ASSERT_TRUE(
        small.media->WriteThrough(at, BytesOf(MakeInfo(other, kUuid, kParent, kVersion))).ok());
  ASSERT_TRUE(small.media->Drain().ok());
  bool found = false;
  for (const core::Finding& finding : CheckOf(*small.media))
    if (finding.reason == "btt.info.mixed") {
      found = true;
      EXPECT_EQ(finding.offset, other.start + offsetof(InfoBlock, external_lbasize));
    }
  EXPECT_TRUE(found) << Join(CheckOf(*small.media));
  auto btt = Btt::Open(small.media, kVersion, kParent, false);
  EXPECT_EQ(core::ErrnoOf(btt.status()), ENOMEM);
  EXPECT_EQ(core::ReasonOf(btt.status()), "btt.info.mixed");
  const int64_t steps = small.media->steps();
  EXPECT_EQ(core::ReasonOf(Repair(*small.media, kVersion, kParent, KeepNothing).status()),
            "btt.info.mixed");
  EXPECT_EQ(small.media->steps(), steps);
}

TEST(ArenasTest, AnArenaOfAnotherBttIsFound) {
  const Small small;
  small.StoreInfo(1, [](InfoBlock& info) { info.uuid = kParent.bytes(); });
  const auto found = CheckOf(*small.media);
  ASSERT_EQ(found.size(), 1u) << Join(found);
  EXPECT_EQ(found[0].reason, "btt.info.uuid");
  EXPECT_EQ(found[0].offset, small.arenas[1].start + offsetof(InfoBlock, uuid));
}

TEST(ArenasTest, AChainThatEndsEarlyIsFound) {
  const Small small;
  small.StoreInfo(1, [](InfoBlock& info) { info.nextoff = 0; });
  const auto found = CheckOf(*small.media);
  ASSERT_EQ(found.size(), 1u) << Join(found);
  EXPECT_EQ(found[0].reason, "btt.info.unused");
}

// Each sector is old or new also where a write crosses from one arena into the next.
TEST(ArenasTest, AWriteAcrossABorderIsOldOrNewPerSector) {
  const Small small;
  const uint64_t first = small.Border(1) - 3, count = 6;
  Bytes fresh;
  for (uint64_t lba = first; lba < first + count; ++lba) {
    const Bytes one = Filled(lba, 2);
    fresh.insert(fresh.end(), one.begin(), one.end());
  }
  uint64_t states = 0;
  for (int64_t step = 0;; ++step) {
    SCOPED_TRACE(step);
    Small cut = small;
    cut.media = small.media->Clone();
    auto btt = cut.Opened();
    cut.media->CutBefore(cut.media->steps() + step);
    const bool acknowledged = btt->Write(first * kSector, fresh).ok();
    btt.reset();
    for (const MediaPtr& after : cut.media->Outcomes(40, step)) {
      ++states;
      Small seen = small;
      seen.media = after;
      auto opened = seen.Opened();
      ASSERT_NE(opened, nullptr);
      for (uint64_t lba = first; lba < first + count; ++lba) {
        Bytes out(kSector);
        ASSERT_TRUE(opened->Read(lba * kSector, absl::MakeSpan(out)).ok());
        EXPECT_TRUE(out == Filled(lba, 2) || (!acknowledged && out == Filled(lba, 1))) << lba;
      }
      EXPECT_EQ(Join(CheckOf(*after)), "");
    }
    if (!cut.media->cut()) break;
  }
  std::printf("[   STATES ] %llu states\n", static_cast<unsigned long long>(states));
}

// --- As a kernel makes them: 512 GiB each
// ---------------------------------------------------------

class BigArenasTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kSize = 4096 + 2 * kMaxArena + (uint64_t{32} << 20);

  void SetUp() override {
    media_ = std::make_shared<FaultyMedia>(kSize);
    auto btt = Bind();
    ASSERT_NE(btt, nullptr);
    ASSERT_EQ(btt->arenas().size(), 3u);
    for (const auto& arena : btt->arenas()) arenas_.push_back(arena->geometry());
    uint64_t border = 0;
    for (size_t i = 0; i < 3; ++i) {
      lbas_.push_back(border + 5);
      border += arenas_[i].external_nlba;
      lbas_.push_back(border - 1);
    }
    for (uint64_t lba : lbas_) ASSERT_TRUE(btt->Write(lba * kSector, Filled(lba, 1)).ok());
  }
  std::shared_ptr<Btt> Bind() {
    auto btt = Btt::OpenOrFormat(
        media_, {.uuid = kUuid, .parent_uuid = kParent, .external_lbasize = kSector}, false);
    EXPECT_TRUE(btt.ok()) << btt.status();
    return btt.ok() ? *btt : nullptr;
  }
  void Lose(uint64_t at) {
    ASSERT_TRUE(media_->WriteThrough(at, Bytes(kInfoSize)).ok());
    ASSERT_TRUE(media_->Drain().ok());
  }
  void ExpectContents() {
    auto btt = Btt::Open(media_, kVersion, kParent, false);
    ASSERT_TRUE(btt.ok()) << btt.status();
    for (uint64_t lba : lbas_) {
      Bytes out(kSector);
      ASSERT_TRUE((*btt)->Read(lba * kSector, absl::MakeSpan(out)).ok());
      EXPECT_EQ(out, Filled(lba, 1)) << lba;
    }
  }

  MediaPtr media_;
  std::vector<ArenaGeometry> arenas_;
  std::vector<uint64_t> lbas_;
};

// In one go, since looking through the maps of a terabyte takes seconds.
TEST_F(BigArenasTest, LostBlocksComeBackFromCopiesAndFromTheGeometry) {
  Lose(arenas_[0].start);  // its copy is there
  Lose(arenas_[1].start);  // neither: the chain is broken in the middle
  Lose(arenas_[1].Info2At());
  Lose(arenas_[2].Info2At());  // its block is there
  EXPECT_EQ(Detect(*media_, kParent), kVersion);
  EXPECT_EQ(core::ErrnoOf(Btt::Open(media_, kVersion, kParent, false).status()), ENODEV);
  const auto report = Repair(*media_, kVersion, kParent, KeepNothing);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(Join(report->left), "");
  EXPECT_EQ(report->done.size(), 3u) << Join(report->done);
  ExpectContents();
}

TEST_F(BigArenasTest, BindingPutsBackTheLostFirstBlocksOfItsOwnBtt) {
  Lose(arenas_[0].start);
  Lose(arenas_[2].start);
  ASSERT_NE(Bind(), nullptr);
  ExpectContents();
}

TEST_F(BigArenasTest, BindingNeverFormatsOverALaterArena) {
  Lose(arenas_[1].start);
  const auto btt = Btt::OpenOrFormat(
      media_, {.uuid = kUuid, .parent_uuid = kParent, .external_lbasize = kSector}, false);
  EXPECT_EQ(core::ErrnoOf(btt.status()), ENOMEM);
  EXPECT_EQ(core::ReasonOf(btt.status()), "btt.info.signature");
}

}  // namespace
}  // namespace nvdimmfs::btt
