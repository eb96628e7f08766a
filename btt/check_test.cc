// SPDX-License-Identifier: Apache-2.0
// Every kind of damage: found at its offset, and mended so that nothing contradicts itself and no
// sector is less readable than before; also when the power fails at any step of the repair.
#include "btt/check.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "btt/btt.h"
#include "btt/geometry.h"
#include "btt/info_block.h"
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

constexpr uint64_t kSize = kMinArena + 4096;
constexpr uint64_t kWritten = 24;  // sectors that hold their number

Bytes Numbered(uint64_t lba) {
  Bytes bytes(4096);
  for (size_t at = 0; at < bytes.size(); at += 8) std::memcpy(bytes.data() + at, &lba, 8);
  return bytes;
}

std::string Join(const std::vector<core::Finding>& findings) {
  std::string text;
  for (const core::Finding& finding : findings)
    text += finding.reason + ": " + finding.sentence + "\n";
  return text;
}

std::set<std::string> Reasons(const std::vector<core::Finding>& findings) {
  std::set<std::string> reasons;
  for (const core::Finding& finding : findings) reasons.insert(finding.reason);
  return reasons;
}

absl::Status KeepNothing(uint64_t, absl::Span<const std::byte>) { return absl::OkStatus(); }

struct Patient {
  MediaPtr media;
  ArenaGeometry arena;

  uint32_t Map(uint32_t lba) const {
    std::array<std::byte, 4> word;
    EXPECT_TRUE(media->Read(arena.MapAt(lba), absl::MakeSpan(word)).ok());
    return core::LoadLe<uint32_t>(word.data());
  }
  void SetMap(uint32_t lba, uint32_t raw) const {
    EXPECT_TRUE(media->Store32(arena.MapAt(lba), raw).ok());
    EXPECT_TRUE(media->Persist(arena.MapAt(lba), 4).ok());
  }
  void Put(uint64_t at, const Bytes& bytes) const {
    EXPECT_TRUE(media->WriteThrough(at, bytes).ok());
    EXPECT_TRUE(media->Drain().ok());
  }
  uint32_t BlockOf(uint32_t lba) const { return MapEntry(Map(lba), lba).block(); }
  uint32_t FreeBlockOf(uint32_t lane) const { return arena.external_nlba + lane; }  // unused so far
  // As by the first write through a lane.
  void SetRecord(uint32_t lane, uint32_t lba, uint32_t old_block, uint32_t new_block) const {
    Bytes entry(16);
    core::StoreLe(entry.data(), lba);
    core::StoreLe(entry.data() + 4, old_block);
    core::StoreLe(entry.data() + 8, new_block);
    core::StoreLe(entry.data() + 12, uint32_t{2});
    Put(arena.FlogAt(lane) + 16, entry);
  }
  std::vector<core::Finding> Findings() const {
    return Check(*media, Version::kV1_1, core::Uuid());
  }
  // Nothing where some of it cannot be read.
  std::optional<Bytes> MapAndFlog() const {
    Bytes bytes(arena.Info2At() - arena.MapAt(0));
    if (!media->Read(arena.MapAt(0), absl::MakeSpan(bytes)).ok()) return std::nullopt;
    return bytes;
  }
};

Patient Healthy() {
  Patient patient{std::make_shared<FaultyMedia>(kSize), {}};
  auto btt = Btt::OpenOrFormat(patient.media, {.uuid = core::Uuid::Random()}, false);
  EXPECT_TRUE(btt.ok()) << btt.status();
  patient.arena = (*btt)->arenas()[0]->geometry();
  for (uint64_t lba = 0; lba < kWritten; ++lba)
    EXPECT_TRUE((*btt)->Write(lba * 4096, Numbered(lba)).ok());
  return patient;
}

struct Damage {
  const char* name;
  std::function<void(const Patient&)> inflict;
  std::set<std::string> reasons;  // of check
  std::set<uint64_t> lost;        // sectors that may read EIO after repair
  // Sectors whose data nothing tells, and whose number they go on to read.
  std::map<uint64_t, uint64_t> as_before = {};
};

const Damage kDamage[] = {
    {"InfoBlock",
     [](const Patient& p) { p.Put(4096, Bytes(64, std::byte{0xee})); },
     {"btt.info.signature"},
     {}},
    {"InfoBlockPoisoned",
     [](const Patient& p) {
       p.media->Poison({4096, 512});
     },
     {"media.poison"},
     {}},
    {"Backup",
     [](const Patient& p) { p.Put(p.arena.Info2At() + 100, Bytes(8, std::byte{1})); },
     {"btt.info.backup"},
     {}},
    {"BackupPoisoned",
     [](const Patient& p) {
       p.media->Poison({p.arena.Info2At(), 4096});
     },
     {"btt.info.backup"},
     {}},
    {"ErrorFlag",
     [](const Patient& p) {
       InfoBlock info = *LoadInfo(*p.media, 4096);
       info.flags = kInfoFlagError;
       Seal(info);
       const Bytes bytes(BytesOf(info).begin(), BytesOf(info).end());
       p.Put(4096, bytes);
       p.Put(p.arena.Info2At(), bytes);
     },
     {"btt.info.flags"},
     {}},
    {"MapRange",
     [](const Patient& p) { p.SetMap(3, 0xffffffff); },
     {"btt.map.range", "btt.block.lost"},
     {}},  // the one lost block can only be its
    // The first of the two lost blocks is the second sector's.
    {"TwoOutOfRange",
     [](const Patient& p) {
       for (const uint32_t lba : {0, 7}) p.SetMap(lba, 0xffffffff);
     },
     {"btt.map.range", "btt.block.lost"},
     {0, 7}},
    {"SharedBlock",
     [](const Patient& p) { p.SetMap(5, p.Map(9)); },
     {"btt.map.shared", "btt.block.lost"},
     {},
     {{5, 9}}},
    {"TwoSharedBlocks",
     [](const Patient& p) {
       p.SetMap(5, p.Map(9));
       p.SetMap(6, p.Map(10));
     },
     {"btt.map.shared", "btt.block.lost"},
     {},
     {{5, 9}, {6, 10}}},
    {"SharedWithAnUnwrittenSector",
     [](const Patient& p) { p.SetMap(5, MapEntry::Normal(2000)); },
     {"btt.map.initial", "btt.block.lost"},
     {},
     {{5, 0}}},
    {"SectorOnAFreeBlock",
     [](const Patient& p) { p.SetMap(5, MapEntry::Normal(p.arena.external_nlba + 200)); },
     {"btt.flog.shared", "btt.block.lost"},
     {},
     {{5, 0}}},
    // Where the flog has one of the two elsewhere it may be out of date.
    {"SharedBlockOfASectorInTheFlog",
     [](const Patient& p) { p.SetMap(kWritten - 1, p.Map(9)); },
     {"btt.map.shared", "btt.block.lost"},
     {},
     {{kWritten - 1, 9}}},
    {"SharedBlockAndAnOldRecord",
     [](const Patient& p) {
       // Where 4 is since 5 was written again.
       p.SetRecord(200, 5, p.FreeBlockOf(200), p.BlockOf(4));
       p.SetMap(4, p.Map(5));
     },
     {"btt.map.shared", "btt.block.lost"},
     {},
     {{4, 5}}},
    {"ErasedSectorAndAnOldRecord",
     [](const Patient& p) {
       ASSERT_EQ(p.BlockOf(5), 4u);  // which the initial entry of 4 claims
       p.SetRecord(200, 5, p.FreeBlockOf(200), p.BlockOf(4));
       p.SetMap(4, 0);
     },
     {"btt.map.initial", "btt.block.lost"},
     {}},
    {"MapErased",
     [](const Patient& p) { p.Put(p.arena.MapAt(kWritten - 2), Bytes(8)); },
     {"btt.map.initial", "btt.block.lost"},
     {}},
    {"OneBitOff",
     [](const Patient& p) {
       for (const uint32_t lba : {3, 7}) p.SetMap(lba, p.Map(lba) ^ 1u << 20);
     },
     {"btt.map.range", "btt.block.lost"},
     {}},
    // Lane 201 took over the block that 10 gave up, and its group would say so.
    {"OldRecordInADamagedFlog",
     [](const Patient& p) {
       p.SetRecord(200, 10, p.FreeBlockOf(200), p.FreeBlockOf(201));
       p.Put(p.arena.FlogAt(201), Bytes(64));
       p.SetMap(10, 0xffffffff);
     },
     {"btt.map.range", "btt.flog.seq", "btt.block.lost"},
     {10}},
    {"DiscardedAndOutOfRange",
     [](const Patient& p) { p.SetMap(3, MapEntry::Zero(kMapBlockMask)); },
     {"btt.map.range", "btt.block.lost"},
     {},
     {{3, 0}}},
    {"DiscardedAndOutOfRangeButInTheFlog",
     [](const Patient& p) { p.SetMap(kWritten - 1, MapEntry::Zero(kMapBlockMask)); },
     {"btt.map.range", "btt.block.lost"},
     {},
     {{kWritten - 1, 0}}},
    {"FlogSlotErased",
     [](const Patient& p) { p.Put(p.arena.FlogAt(0), Bytes(16)); },
     {"btt.flog.padding", "btt.block.lost"},
     {}},
    {"FlogGroupMixed",
     [](const Patient& p) { p.Put(p.arena.FlogAt(0) + 48, Bytes(16, std::byte{1})); },
     {"btt.flog.padding", "btt.block.lost"},
     {}},
    {"MapPoisoned",
     [](const Patient& p) {
       p.media->Poison({p.arena.MapAt(0), 512});
     },
     {"btt.map.unreadable", "btt.block.lost"},
     {}},
    {"EqualSequence",
     [](const Patient& p) {
       Bytes entry(16);
       entry[12] = std::byte{1};
       p.Put(p.arena.FlogAt(200) + 16, entry);
     },
     {"btt.flog.seq", "btt.block.lost"},
     {}},
    {"FlogRange",
     [](const Patient& p) { p.Put(p.arena.FlogAt(201), Bytes(4, std::byte{0x3f})); },
     {"btt.flog.range", "btt.block.lost"},
     {}},
    {"FlogPoisoned",
     [](const Patient& p) {
       p.media->Poison({p.arena.FlogAt(128), 64});
     },
     {"btt.flog.unreadable", "btt.block.lost"},
     {}},
    {"MixedPadding",
     [](const Patient& p) {
       Bytes entry(16);
       entry[12] = std::byte{2};
       p.Put(p.arena.FlogAt(200) + 16, entry);
       p.Put(p.arena.FlogAt(201) + 32, entry);
     },
     {"btt.flog.padding", "btt.block.lost"},
     {}},
    {"Interrupted",
     [](const Patient& p) { p.SetRecord(210, 1000, 1000, p.FreeBlockOf(210)); },
     {"btt.flog.pending"},
     {}},
    {"InterruptedAndAnOldRecord",
     [](const Patient& p) {
       p.SetRecord(210, 1000, 1000, p.FreeBlockOf(210));
       p.SetRecord(211, 1000, p.FreeBlockOf(211), p.BlockOf(10));
       p.SetMap(10, 0xffffffff);
     },
     {"btt.flog.pending", "btt.map.range", "btt.block.lost"},
     {}},
    {"TwoInterruptedWritesToOneBlock",
     [](const Patient& p) {
       for (const uint32_t lane : {210, 211})
         p.SetRecord(lane, 790 + lane, 790 + lane, p.FreeBlockOf(210));
     },
     {"btt.map.initial", "btt.block.lost"},
     {}},
};

class CheckTest : public ::testing::TestWithParam<Damage> {
 protected:
  // Whether everything is in order except sectors that are marked as lost, and no sector holds what
  // another should.
  void ExpectMended(const Patient& patient) {
    const auto findings = patient.Findings();
    for (const core::Finding& finding : findings)
      EXPECT_EQ(finding.reason, "btt.map.error") << finding.sentence;
    auto btt = Btt::Open(patient.media, Version::kV1_1, core::Uuid(), false);
    ASSERT_TRUE(btt.ok()) << btt.status();
    const bool map_was_lost = GetParam().reasons.contains("btt.map.unreadable");
    for (uint64_t lba = 0; lba < kWritten; ++lba) {
      Bytes out(4096);
      const bool readable = (*btt)->Read(lba * 4096, absl::MakeSpan(out)).ok();
      const auto as_before = GetParam().as_before.find(lba);
      if (as_before != GetParam().as_before.end()) {
        EXPECT_EQ(out, Numbered(as_before->second)) << lba;
      } else if (readable) {
        EXPECT_EQ(out, Numbered(lba)) << lba;
      }
      EXPECT_TRUE(readable || map_was_lost || GetParam().lost.contains(lba)) << lba;
    }
    // All that may be marked as lost, such as the 128 of a poisoned unit of the map, and more.
    for (uint64_t lba = 0; lba < 140; ++lba)
      ASSERT_TRUE((*btt)->Write(lba * 4096, Numbered(lba)).ok()) << lba;
    ASSERT_TRUE((*btt)->Write(2000 * 4096, Numbered(2000)).ok());
    EXPECT_EQ(Join(patient.Findings()), "");
  }
};

INSTANTIATE_TEST_SUITE_P(Damages, CheckTest, ::testing::ValuesIn(kDamage),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(CheckHealthyTest, AFreshAndAWrittenBttHaveNoFindings) {
  EXPECT_EQ(Join(Healthy().Findings()), "");
  EXPECT_EQ(Detect(*Healthy().media, core::Uuid()), Version::kV1_1);
  EXPECT_EQ(Detect(FaultyMedia(kSize), core::Uuid()), std::nullopt);
  EXPECT_EQ(Reasons(Check(FaultyMedia(kSize), Version::kV1_1, core::Uuid())),
            (std::set<std::string>{"btt.info.signature"}));
}

TEST(CheckLostTest, ABttWithoutASoundInfoBlockIsFoundButNotGuessed) {
  const Patient patient = Healthy();
  const ArenaGeometry arena = DivideIntoArenas(kSize, Version::kV1_1, 4096).at(0);
  for (const uint64_t at : {arena.start, arena.Info2At()})
    ASSERT_TRUE(patient.media->Store32(at + offsetof(InfoBlock, nfree), 7).ok());
  EXPECT_EQ(Detect(*patient.media, core::Uuid()), Version::kV1_1);
  EXPECT_EQ(Reasons(patient.Findings()), (std::set<std::string>{"btt.info.checksum"}));
  EXPECT_EQ(
      core::ErrnoOf(Repair(*patient.media, Version::kV1_1, core::Uuid(), KeepNothing).status()),
      ENODEV);
}

TEST_P(CheckTest, IsFoundAndCheckingStoresNothing) {
  const Patient patient = Healthy();
  GetParam().inflict(patient);
  const int64_t steps = patient.media->steps();
  const auto findings = patient.Findings();
  EXPECT_EQ(Reasons(findings), GetParam().reasons) << Join(findings);
  for (const core::Finding& finding : findings) EXPECT_LT(finding.offset, kSize);
  EXPECT_EQ(patient.media->steps(), steps);
}

TEST_P(CheckTest, IsMendedAndWhatWasOverwrittenIsKept) {
  const Patient patient = Healthy();
  GetParam().inflict(patient);
  const MediaPtr before = patient.media->Clone();
  std::vector<std::pair<uint64_t, Bytes>> copies;
  const auto report = Repair(*patient.media, Version::kV1_1, core::Uuid(),
                             [&](uint64_t at, absl::Span<const std::byte> bytes) {
                               copies.emplace_back(at, Bytes(bytes.begin(), bytes.end()));
                               return absl::OkStatus();
                             });
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->done.empty());
  const MediaPtr undone = patient.media->Clone();
  ExpectMended(patient);
  if (before->poisoned()) return;  // what could not be read could not be kept
  // Putting the copies back, last first, gives the damaged media again.
  for (auto copy = copies.rbegin(); copy != copies.rend(); ++copy)
    ASSERT_TRUE(undone->Write(copy->first, copy->second).ok());
  Bytes was(kSize), is(kSize);
  ASSERT_TRUE(before->Read(0, absl::MakeSpan(was)).ok());
  ASSERT_TRUE(undone->Read(0, absl::MakeSpan(is)).ok());
  EXPECT_TRUE(was == is);
}

// Whether the map or the flog says things that cannot both be true.
bool ContradictsItself(const std::vector<core::Finding>& findings) {
  for (const core::Finding& finding : findings)
    if (finding.reason != "btt.map.error" && finding.reason != "btt.flog.pending" &&
        !finding.reason.starts_with("btt.info."))
      return true;
  return false;
}

TEST_P(CheckTest, ARepairThatWasCutIsFinishedByTheNext) {
  const Patient patient = Healthy();
  GetParam().inflict(patient);
  const std::optional<Bytes> damaged = patient.MapAndFlog();
  uint64_t states = 0;
  int64_t step = 0;
  // A repair of 256 lanes or 128 sectors does the same over and over: then only some cuts are
  // tried.
  const MediaPtr counting = patient.media->Clone();
  ASSERT_TRUE(Repair(*counting, Version::kV1_1, core::Uuid(), KeepNothing).ok());
  const int64_t stride = 1 + counting->steps() / 25;
  for (;; step += stride) {
    SCOPED_TRACE("power cut before step " + std::to_string(step));
    const MediaPtr media = patient.media->Clone();
    media->CutBefore(step);
    (void)Repair(*media, Version::kV1_1, core::Uuid(), KeepNothing);
    for (const MediaPtr& after : media->Outcomes(4, step)) {
      ++states;
      // Half repaired, the arena takes no writes: they could hand out what is not yet sorted out.
      const Patient cut{after, patient.arena};
      const bool half_repaired =
          damaged && cut.MapAndFlog() != damaged && ContradictsItself(cut.Findings());
      // Otherwise a user that opens it now may write, but damages nothing.
      if (auto btt = Btt::Open(after, Version::kV1_1, core::Uuid(), false); btt.ok())
        for (uint64_t lba = 100; lba < 110; ++lba) {
          const absl::Status status = (*btt)->Write(lba * 4096, Numbered(lba));
          EXPECT_FALSE(half_repaired && status.ok()) << lba;
        }
      const auto report = Repair(*after, Version::kV1_1, core::Uuid(), KeepNothing);
      ASSERT_TRUE(report.ok()) << report.status();
      ExpectMended({after, patient.arena});
      if (HasFailure()) return;
    }
    if (!media->cut()) break;
  }
  std::printf("[   STATES ] %s: %lld steps, %llu states\n", GetParam().name,
              static_cast<long long>(step), static_cast<unsigned long long>(states));
}

}  // namespace
}  // namespace nvdimmfs::btt
