// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_area.h"

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/labels/index_pair.h"
#include "core/labels/label_format.h"
#include "core/labels/label_test_util.h"
#include "core/media/memory_media.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kArea = 131072;

IndexBlock& Head(MemoryMedia& media, uint64_t at) {
  return *reinterpret_cast<IndexBlock*>(media.bytes().data() + at);
}

template <typename T>
T At(MemoryMedia& media, uint64_t at) {
  return LoadLe<T>(media.bytes().data() + at);
}

NamespaceLabel Label(const char* uuid, const char* name, uint64_t lbasize, uint64_t dpa,
                     uint64_t rawsize, uint64_t cookie) {
  NamespaceLabel label;
  label.uuid = TestUuid(uuid);
  label.name = name;
  label.lbasize = lbasize;
  label.dpa = dpa;
  label.rawsize = rawsize;
  label.isetcookie = cookie;
  return label;
}

NamespaceLabel Simple(uint8_t n) {
  NamespaceLabel label;
  label.uuid = Uuid(Uuid::Bytes{n, 1});
  label.rawsize = 4096;
  label.dpa = uint64_t{n} * 4096;
  return label;
}

// --- opening ---

TEST(LabelAreaTest, BlankAreaIsNoError) {
  const LabelArea area = MustOpen(std::make_shared<MemoryMedia>(kArea));
  EXPECT_FALSE(area.has_index());
  EXPECT_EQ(area.current(), -1);
  EXPECT_EQ(area.sequence(), 0u);
  EXPECT_EQ(area.label_size(), 256u);
  EXPECT_EQ(area.number().ToString(), "1.2");
  EXPECT_EQ(&area.version(), &LabelV1_2());
  EXPECT_THAT(area.findings(), IsEmpty());
}

// available_slots shows one less.
TEST(LabelAreaTest, FreeSlotsAreTheKernels) {
  EXPECT_EQ(MustOpen(std::make_shared<MemoryMedia>(131072)).free_slots(), 510u);
  EXPECT_EQ(MustOpen(std::make_shared<MemoryMedia>(262144)).free_slots(), 1022u);
  EXPECT_EQ(MustOpen(std::make_shared<MemoryMedia>(1048576)).free_slots(), 4090u);
  EXPECT_EQ(MustInitialise(std::make_shared<MemoryMedia>(131072), LabelV1_1()).free_slots(), 1020u);
  EXPECT_EQ(MustInitialise(std::make_shared<MemoryMedia>(131072), LabelV1_2()).free_slots(), 510u);
}

TEST(LabelAreaTest, TooSmallIsRefused) {
  for (uint64_t size : {0, 1, 72, 255, 512, 767}) {
    const auto area = LabelArea::Open(std::make_shared<MemoryMedia>(size));
    EXPECT_EQ(ReasonOf(area.status()), "label.area.size") << size;
    EXPECT_EQ(ErrnoOf(area.status()), ENXIO);
    EXPECT_FALSE(HasLabelIndex(MemoryMedia(size)));
  }
}

TEST(LabelAreaTest, LargerThan32BitsIsRefused) {
  const auto area = LabelArea::Open(std::make_shared<MemoryMedia>(uint64_t{1} << 32));
  EXPECT_EQ(ReasonOf(area.status()), "label.area.size");
}

TEST(LabelAreaTest, SmallestAreaHoldsVersion1_1Only) {
  auto media = std::make_shared<MemoryMedia>(768);
  LabelArea area = MustOpen(media);
  EXPECT_EQ(area.label_size(), 128u);
  EXPECT_EQ(ReasonOf(area.Initialise(LabelV1_2())), "label.area.size");
  ASSERT_TRUE(area.Initialise(LabelV1_1()).ok());
  EXPECT_EQ(TwoPhase(area, Simple(1), {}), 1u);
  EXPECT_THAT(UsedSlots(MustOpen(media)), ElementsAre(1));
}

TEST(LabelAreaTest, LargestAreaIsReadSparsely) {
  auto media = std::make_shared<MemoryMedia>(0xffffffff);  // untouched pages cost nothing
  LabelArea area = MustOpen(media);
  ASSERT_TRUE(area.InitialiseOver(LabelV1_1()).ok());
  EXPECT_GT(area.slot_count(), 33000000u);
  EXPECT_EQ(*area.Update(Simple(1), {}), 0u);
  EXPECT_THAT(UsedSlots(MustOpen(media)), ElementsAre(0));
}

TEST(LabelAreaTest, HasIndexAgreesWithOpen) {
  auto media = std::make_shared<MemoryMedia>(262144);
  EXPECT_FALSE(HasLabelIndex(*media));
  LabelArea area = MustInitialise(media, LabelV1_2());
  EXPECT_TRUE(HasLabelIndex(*media));
  media->bytes()[0] = std::byte{0};
  EXPECT_TRUE(HasLabelIndex(*media));
  media->bytes()[256] = std::byte{0};
  EXPECT_FALSE(HasLabelIndex(*media));
}

// --- what a kernel wrote ---

TEST(LabelAreaTest, ReadsTheKernelsVersion1_2) {
  const LabelArea area = MustOpen(GoldenArea("k12.labels", kArea));
  EXPECT_EQ(area.sequence(), 1u);
  EXPECT_EQ(area.current(), 0);
  EXPECT_EQ(area.label_size(), 256u);
  EXPECT_EQ(area.free_slots() - 1, 504u);
  EXPECT_THAT(area.findings(), IsEmpty());
  EXPECT_THAT(UsedSlots(area), ElementsAre(1, 2, 3, 4, 5));
  const char* kNames[] = {"db", "rawvol", "small", "fsd", "devd"};
  const uint64_t kDpa[] = {0, 0x4000000, 0x6000000, 0x8000000, 0xc000000};
  const uint64_t kSize[] = {0x4000000, 0x2000000, 0x2000000, 0x4000000, 0x2000000};
  const Uuid kClass[] = {kBtt2Guid, Uuid(), kBtt2Guid, kPfnGuid, kDaxGuid};
  for (size_t i = 0; i < 5; ++i) {
    const NamespaceLabel& label = area.labels()[i].label;
    EXPECT_EQ(label.name, kNames[i]);
    EXPECT_EQ(label.dpa, kDpa[i]);
    EXPECT_EQ(label.rawsize, kSize[i]);
    EXPECT_EQ(label.abstraction_guid, kClass[i]);
    EXPECT_EQ(label.type_guid, kPmemRangeGuid);
    EXPECT_EQ(label.isetcookie, 0xba90120012b4dcu);
    EXPECT_EQ(label.lbasize, i == 0 ? 4096u : 512u);
  }
  EXPECT_EQ(area.labels()[4].label.uuid.ToString(), "44464a9d-0f95-438e-8e4d-29c442577a3e");
}

TEST(LabelAreaTest, ReadsTheKernelsVersion1_1) {
  const LabelArea area = MustOpen(GoldenArea("k11.labels", 1048576));
  EXPECT_EQ(area.sequence(), 3u);
  EXPECT_EQ(area.current(), 1);
  EXPECT_EQ(&area.version(), &LabelV1_1());
  EXPECT_EQ(area.free_slots() - 1, 8169u);
  EXPECT_THAT(UsedSlots(area), ElementsAre(1, 3));
  EXPECT_EQ(area.labels()[0].label.name, "old");
  EXPECT_EQ(area.labels()[0].label.uuid.ToString(), "d4b9e034-cff7-4082-8caf-5c1a77ceeec4");
  EXPECT_EQ(area.labels()[1].label.name, "tail");
  EXPECT_EQ(area.labels()[1].label.dpa, 0x8000000u);
}

// label_format.md, worked example A: ndctl's version 1.1, then four namespaces by a kernel.
TEST(LabelAreaTest, WorkedExampleA) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  MustInitialise(media, LabelV1_1());
  SetPaddingLikeNdctl(*media);
  EXPECT_EQ(At<uint64_t>(*media, 64), 0xeb634621d7313e0a);
  EXPECT_EQ(At<uint64_t>(*media, 256 + 64), 0xeb6349e6d7313e09);

  const uint64_t cookie = 0x2468ac00123456;
  LabelArea area = MustOpen(media);
  TwoPhase(area,
           Label("968ed3f7-60a2-49d2-8724-cdb69a6b0ef8", "mysector", 4096, 0, 0x4000000, cookie),
           {});
  TwoPhase(
      area,
      Label("5628245c-cd73-4f73-9e4a-e5517f29c32e", "myraw", 512, 0x4000000, 0x2000000, cookie),
      {});
  TwoPhase(area,
           Label("e553a73c-b064-411b-b9a9-5715c06fb7fb", "myfs", 512, 0x6000000, 0x4000000, cookie),
           {});
  TwoPhase(
      area,
      Label("181b1c5a-c2e8-4400-973e-c3018b1c363b", "mydev", 512, 0xa000000, 0x4000000, cookie),
      {});

  EXPECT_EQ(area.sequence(), 2u);
  EXPECT_EQ(area.current(), 0);
  EXPECT_EQ(At<uint64_t>(*media, 64), 0xeb634082d7313deb);
  EXPECT_EQ(At<uint64_t>(*media, 256 + 64), 0xeb6346f9d7313df9);
  EXPECT_EQ(media->bytes()[72], std::byte{0xe1});
  EXPECT_EQ(media->bytes()[256 + 72], std::byte{0xf0});
  EXPECT_EQ(media->bytes()[72 + 127], std::byte{0xff});
  EXPECT_THAT(UsedSlots(MustOpen(media)), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(At<uint32_t>(*media, 0x200 + 80), kLabelUpdating);  // slot 0: stale copy of mydev
  EXPECT_EQ(At<uint32_t>(*media, 0x200 + 120), 0u);
  EXPECT_EQ(At<uint64_t>(*media, 0x200 + 104), 0xa000000u);
  EXPECT_EQ(MustOpen(media).labels()[3].label.name, "mydev");
  EXPECT_EQ(MustOpen(media).free_slots() - 1, 1015u);
}

// label_format.md, worked example B: a kernel initialises a blank area and continues with it.
TEST(LabelAreaTest, WorkedExampleB) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  LabelArea area = MustInitialise(media, LabelV1_2());
  NamespaceLabel label =
      Label("11111111-2222-3333-4444-555555555529", "", 0, 0, 0x2000000, 0xba90120012b4dc);
  label.type_guid = kPmemRangeGuid;
  const struct {
    Uuid abstraction;
    uint32_t sequence0;
    uint64_t checksum0;
    uint32_t sequence1;
    uint64_t checksum1;
    uint64_t slot1_checksum;
  } kStores[] = {
      {Uuid(), 1, 0xe793e31b18323c18, 3, 0xe793e7bf18323c1b, 0x51834c0b7bbb94ec},
      {kPfnGuid, 3, 0xe793e39118323c1a, 2, 0xe793e78418323c1a, 0x39ff2ee99e011212},
      {kBtt2Guid, 2, 0xe793e35618323c19, 1, 0xe793e74918323c19, 0xd1df8678f2213439},
  };
  std::vector<uint32_t> old;
  for (const auto& store : kStores) {
    label.abstraction_guid = store.abstraction;
    old = {TwoPhase(area, label, old)};
    EXPECT_EQ(old[0], 1u);
    EXPECT_EQ(At<uint32_t>(*media, 20), store.sequence0);
    EXPECT_EQ(At<uint64_t>(*media, 64), store.checksum0);
    EXPECT_EQ(At<uint32_t>(*media, 256 + 20), store.sequence1);
    EXPECT_EQ(At<uint64_t>(*media, 256 + 64), store.checksum1);
    EXPECT_EQ(At<uint64_t>(*media, 0x300 + 248), store.slot1_checksum);
  }
  EXPECT_EQ(At<uint64_t>(*media, 0x200 + 248), 0xd1df87b6f2213440);
  EXPECT_EQ(media->bytes()[72 + 63], std::byte{0x3f});
  const LabelArea again = MustOpen(media);
  EXPECT_EQ(again.current(), 0);
  EXPECT_THAT(UsedSlots(again), ElementsAre(1));
  EXPECT_EQ(again.labels()[0].label, label);
}

// label_format.md, worked example C: the 1 MiB area of a CXL device with serial number 0.
TEST(LabelAreaTest, WorkedExampleC) {
  auto media = std::make_shared<MemoryMedia>(1048576);
  LabelArea area = MustInitialise(media, LabelV1_2());
  TwoPhase(area, Label("11111111-2222-3333-4444-555555555501", "", 0, 0, 0x2000000, 0), {});
  EXPECT_EQ(At<uint32_t>(*media, 20), 1u);
  EXPECT_EQ(At<uint64_t>(*media, 64), 0xfcc1277bdc3251a4);
  EXPECT_EQ(At<uint32_t>(*media, 0x300 + 20), 3u);
  EXPECT_EQ(At<uint64_t>(*media, 0x300 + 64), 0xfcc1359fdc3251a7);
  EXPECT_EQ(area.slot_count(), 4090u);
}

// label_format.md, worked example D: one row a store, as (sequence, used slots) of both blocks.
TEST(LabelAreaTest, WorkedExampleD) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  MustInitialise(media, LabelV1_1());
  SetPaddingLikeNdctl(*media);
  LabelArea area = MustOpen(media);
  const auto expect = [&](uint32_t sequence0, uint8_t used0, uint32_t sequence1, uint8_t used1,
                          int current) {
    EXPECT_EQ(At<uint32_t>(*media, 20), sequence0);
    EXPECT_EQ(At<uint32_t>(*media, 256 + 20), sequence1);
    EXPECT_EQ(static_cast<uint8_t>(~At<uint8_t>(*media, 72)), used0);
    EXPECT_EQ(static_cast<uint8_t>(~At<uint8_t>(*media, 256 + 72)), used1);
    EXPECT_EQ(area.current(), current);
    EXPECT_EQ(MustOpen(media).current(), current);
  };
  expect(3, 0, 2, 0, 0);
  EXPECT_EQ(*area.Update(std::nullopt, {}), std::nullopt);  // a uuid without a size
  expect(3, 0, 1, 0, 1);
  NamespaceLabel label = Simple(1);
  uint32_t slot = TwoPhase(area, label, {});
  expect(2, 0b1, 3, 0b10, 1);
  slot = TwoPhase(area, label, {slot});
  expect(1, 0b1, 2, 0b10, 1);
  label.rawsize = 0x6000000;
  slot = TwoPhase(area, label, {slot});
  expect(3, 0b1, 1, 0b10, 1);
  label.rawsize = 0x4000000;
  slot = TwoPhase(area, label, {slot});
  expect(2, 0b1, 3, 0b10, 1);
  label.uuid = TestUuid("22222222-2222-3333-4444-555555555529");
  slot = TwoPhase(area, label, {slot});
  expect(1, 0b1, 2, 0b10, 1);
  label.name = "my name";
  slot = TwoPhase(area, label, {slot});
  expect(3, 0b1, 1, 0b10, 1);
  const uint32_t second = TwoPhase(area, Simple(2), {});
  EXPECT_EQ(second, 2u);
  expect(2, 0b11, 3, 0b110, 1);
  ASSERT_TRUE(area.Update(std::nullopt, {second}).ok());
  expect(1, 0b10, 3, 0b110, 0);
}

// --- initialising ---

TEST(LabelAreaTest, InitialiseWritesTheKernelsBlocks) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  media->bytes()[0x200] = std::byte{0x77};  // slots are not touched
  LabelArea area = MustOpen(media);
  ASSERT_TRUE(area.InitialiseOver(LabelV1_2()).ok());
  EXPECT_EQ(At<uint64_t>(*media, 64), 0xe793e3ed18323c1c);
  EXPECT_EQ(At<uint64_t>(*media, 256 + 64), 0xe793e7b218323c1b);
  EXPECT_EQ(media->bytes()[0x200], std::byte{0x77});
  EXPECT_EQ(area.sequence(), 3u);
  EXPECT_EQ(area.current(), 0);
}

// An area opened again counts on from its current block; one just made counts on from the twin.
TEST(LabelAreaTest, SequenceAfterInitialisation) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  LabelArea fresh = MustInitialise(media, LabelV1_2());
  LabelArea reopened = MustOpen(media);
  ASSERT_TRUE(reopened.Update(Simple(1), {}).ok());
  EXPECT_EQ(At<uint32_t>(*media, 256 + 20), 1u);
  ASSERT_TRUE(fresh.Update(Simple(1), {}).ok());
  EXPECT_EQ(At<uint32_t>(*media, 256 + 20), 3u);  // a tie, which goes to block 1
  EXPECT_EQ(MustOpen(media).current(), 1);
  ASSERT_TRUE(fresh.Update(Simple(1), {}).ok());
  EXPECT_EQ(At<uint32_t>(*media, 20), 1u);
  EXPECT_EQ(MustOpen(media).current(), 0);
}

TEST(LabelAreaTest, InitialiseAgainWithTheOtherVersion) {
  for (uint64_t size : {1024, 4096, 131072, 262144, 1048576}) {
    for (const LabelVersion* from : {&LabelV1_1(), &LabelV1_2()}) {
      for (const LabelVersion* to : {&LabelV1_1(), &LabelV1_2()}) {
        auto media = std::make_shared<MemoryMedia>(size);
        LabelArea area = MustInitialise(media, *from);
        TwoPhase(area, Simple(1), {});
        ASSERT_TRUE(area.InitialiseOver(*to).ok());
        EXPECT_THAT(area.labels(), IsEmpty());
        const LabelArea again = MustOpen(media);
        EXPECT_EQ(&again.version(), to);
        EXPECT_THAT(again.labels(), IsEmpty());
        EXPECT_THAT(again.findings(), IsEmpty());
        EXPECT_EQ(again.sequence(), 3u);
        EXPECT_EQ(again.free_slots(), again.slot_count());
      }
    }
  }
}

// --- choosing and checking ---

TEST(LabelAreaTest, TornIndexFallsBackToItsTwin) {
  auto media = GoldenArea("k12.labels", kArea);
  media->bytes()[100] ^= std::byte{1};
  const LabelArea area = MustOpen(media);
  EXPECT_EQ(area.current(), 1);
  EXPECT_THAT(UsedSlots(area), ElementsAre(0, 1, 2, 3, 4));  // the last update's phase 1
  ASSERT_THAT(area.findings(), SizeIs(2));
  EXPECT_EQ(area.findings()[0].reason, "label.index.checksum");
  EXPECT_EQ(area.findings()[0].offset, 0u);
  EXPECT_EQ(area.findings()[1].reason, "label.slot.updating");
  EXPECT_EQ(area.findings()[1].offset, 0x200u);
}

std::vector<std::string> Reasons(const LabelArea& area) {
  std::vector<std::string> reasons;
  for (const Finding& finding : area.findings()) reasons.push_back(finding.reason);
  return reasons;
}

// Nothing takes the area into use by itself, and every byte of it stays.
void ExpectKept(const std::shared_ptr<MemoryMedia>& media, const char* reason) {
  const std::vector<std::byte> before(media->bytes().begin(), media->bytes().end());
  LabelArea area = MustOpen(media);
  EXPECT_FALSE(area.has_index());
  EXPECT_EQ(area.verdict(), LabelVerdict::kDamaged);
  EXPECT_EQ(ReasonOf(area.CheckBlank()), reason);
  for (const LabelVersion* version : {&LabelV1_1(), &LabelV1_2(), &LabelV2_1()}) {
    const absl::Status refused = area.Initialise(*version);
    EXPECT_EQ(ReasonOf(refused), reason);
    EXPECT_EQ(ErrnoOf(refused), EUCLEAN);
  }
  EXPECT_EQ(ReasonOf(area.Update(Simple(1), {}).status()), "label.index.none");
  EXPECT_TRUE(std::equal(before.begin(), before.end(), media->bytes().begin()));
}

TEST(LabelAreaTest, TwoBrokenIndexBlocksAreNotABlankArea) {
  for (const uint64_t at : {20, 100}) {
    auto media = GoldenArea("k12.labels", kArea);
    media->bytes()[at] ^= std::byte{1};
    media->bytes()[256 + at] ^= std::byte{1};
    EXPECT_THAT(Reasons(MustOpen(media)),
                ElementsAre("label.index.checksum", "label.index.checksum", "label.area.damaged"));
    EXPECT_EQ(MustOpen(media).findings()[1].offset, 256u);
    ExpectKept(media, "label.area.damaged");
  }
}

TEST(LabelAreaTest, NoByteIsTakenForBlank) {
  for (const uint64_t at : {uint64_t{0}, uint64_t{511}, uint64_t{512}, kArea / 2, kArea - 1}) {
    SCOPED_TRACE(at);
    auto media = std::make_shared<MemoryMedia>(kArea);
    media->bytes()[at] = std::byte{1};
    EXPECT_THAT(
        Reasons(MustOpen(media)),
        ElementsAre("label.index.signature", "label.index.signature", "label.area.damaged"));
    EXPECT_EQ(MustOpen(media).findings().back().offset, at);
    ExpectKept(media, "label.area.damaged");
  }
}

TEST(LabelAreaTest, LostSignaturesAndLostBlocksAreNotABlankArea) {
  auto signatures = GoldenArea("k12.labels", kArea);
  for (const uint64_t block : {0, 256}) std::memset(signatures->bytes().data() + block, 0xee, 16);
  ExpectKept(signatures, "label.area.damaged");
  auto blocks = GoldenArea("k12.labels", kArea);
  std::memset(blocks->bytes().data(), 0, 512);
  ExpectKept(blocks, "label.area.damaged");
}

TEST(LabelAreaTest, AnImpossibleLabelSizeIsNamed) {
  for (const uint8_t code : {2, 25, 32, 255}) {
    auto media = GoldenArea("k12.labels", kArea);
    for (const uint64_t block : {0, 256}) {
      Head(*media, block).label_size = code;
      ResealIndex(media->bytes().data() + block, 256);
    }
    const LabelArea area = MustOpen(media);
    EXPECT_THAT(Reasons(area), ElementsAre("label.index.label_size", "label.index.label_size",
                                           "label.area.damaged"));
    EXPECT_NE(area.findings()[0].sentence.find(absl::StrCat("128 << ", code)), std::string::npos);
    ExpectKept(media, "label.area.damaged");
  }
}

// What Open does not look at, taking the area into use does.
TEST(LabelAreaTest, TheEndOfALargeAreaIsLookedAtBeforeItIsTakenIntoUse) {
  auto media = std::make_shared<MemoryMedia>(64 << 20);
  media->bytes()[(64 << 20) - 1] = std::byte{1};
  LabelArea area = MustOpen(media);
  EXPECT_EQ(area.verdict(), LabelVerdict::kBlank);
  EXPECT_EQ(ReasonOf(area.Initialise(LabelV1_2())), "label.area.damaged");
  EXPECT_FALSE(MustOpen(media).has_index());
}

TEST(LabelAreaTest, AnUnreadableAreaIsNotTakenIntoUse) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  ASSERT_TRUE(media->InjectPoison({4096, 512}).ok());
  LabelArea area = MustOpen(media);
  EXPECT_EQ(area.verdict(), LabelVerdict::kDamaged);
  EXPECT_EQ(ReasonOf(area.Initialise(LabelV1_2())), "label.area.unreadable");
}

TEST(LabelAreaTest, OnPurposeAnyAreaIsTakenIntoUse) {
  auto media = GoldenArea("k12.labels", kArea);
  media->bytes()[20] ^= std::byte{1};
  media->bytes()[276] ^= std::byte{1};
  LabelArea area = MustOpen(media);
  ASSERT_TRUE(area.InitialiseOver(LabelV1_2()).ok());
  EXPECT_EQ(area.verdict(), LabelVerdict::kSound);
  EXPECT_EQ(MustOpen(media).verdict(), LabelVerdict::kSound);
  EXPECT_EQ(ReasonOf(area.Initialise(LabelV1_2())), "label.area.in_use");
}

// Read, and never written: a kernel would write it as version 1.2 or 1.1.
TEST(LabelAreaTest, AnIndexOfAnUnknownVersionIsReadAndKept) {
  struct {
    const char* golden;
    uint16_t major, minor;
  } const cases[] = {{"k12.labels", 9, 7}, {"k12.labels", 1, 3}, {"k12.labels", 2, 0},
                     {"k12.labels", 2, 2}, {"k12.labels", 3, 0}, {"k11.labels", 1, 0},
                     {"k11.labels", 0, 9}, {"k11.labels", 1, 2}};
  for (const auto& version : cases) {
    SCOPED_TRACE(absl::StrCat(version.major, ".", version.minor));
    const bool is_v1_1 = version.golden == absl::string_view("k11.labels");
    auto media = GoldenArea(version.golden, is_v1_1 ? 1 << 20 : kArea);
    const uint64_t index_size = is_v1_1 ? 0x500 : 0x100;
    const LabelArea known = MustOpen(media);
    for (const uint64_t block : {uint64_t{0}, index_size}) {
      Head(*media, block).major = version.major;
      Head(*media, block).minor = version.minor;
      Head(*media, block).label_size = is_v1_1 ? 0 : 1;
      ResealIndex(media->bytes().data() + block, index_size);
    }
    const std::vector<std::byte> before(media->bytes().begin(), media->bytes().end());
    LabelArea area = MustOpen(media);
    EXPECT_EQ(area.verdict(), LabelVerdict::kUnknownVersion);
    EXPECT_EQ(UsedSlots(area), UsedSlots(known));
    EXPECT_THAT(Reasons(area), ElementsAre("label.index.version"));
    for (const absl::Status& refused :
         {area.Update(Simple(1), {}).status(), area.Update(std::nullopt, {1}).status()}) {
      EXPECT_EQ(ReasonOf(refused), "label.index.version");
      EXPECT_EQ(ErrnoOf(refused), EOPNOTSUPP);
    }
    EXPECT_EQ(ReasonOf(area.Initialise(LabelV1_2())), "label.area.in_use");
    EXPECT_TRUE(std::equal(before.begin(), before.end(), media->bytes().begin()));
    ASSERT_TRUE(area.InitialiseOver(LabelV1_2()).ok());
    EXPECT_EQ(MustOpen(media).verdict(), LabelVerdict::kSound);
  }
}

TEST(LabelAreaTest, SmallerSlotCountIsHonoured) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  {
    LabelArea area = MustInitialise(media, LabelV1_1());
    ASSERT_TRUE(area.Update(Simple(1), {}).ok());
  }
  Head(*media, 256).slot_count = 10;
  ResealIndex(media->bytes().data() + 256, 256);
  LabelArea area = MustOpen(media);
  EXPECT_EQ(area.slot_count(), 10u);
  EXPECT_EQ(area.free_slots() - 1, 8u);
  ASSERT_TRUE(area.Update(Simple(2), {}).ok());
  EXPECT_EQ(At<uint32_t>(*media, 56), 10u);  // carried over
}

TEST(LabelAreaTest, ForeignIndexIsNormalisedByTheFirstUpdate) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  MustInitialise(media, LabelV1_2());
  IndexBlock& head = Head(*media, 0);
  head.flags = {0xff, 0xff, 0xff};
  head.my_size = 72;
  head.sequence = 7;
  head.major = 2;
  head.minor = 1;
  ResealIndex(media->bytes().data(), 256);
  LabelArea area = MustOpen(media);
  EXPECT_EQ(area.number().ToString(), "2.1");
  EXPECT_EQ(area.sequence(), 3u);
  EXPECT_EQ(area.current(), 0);
  ASSERT_TRUE(area.Update(Simple(1), {}).ok());
  const IndexBlock& written = Head(*media, 256);
  EXPECT_EQ(written.flags, (std::array<uint8_t, 3>{}));
  EXPECT_EQ(uint64_t{written.my_size}, 256u);
  EXPECT_EQ(uint32_t{written.sequence}, 1u);
  EXPECT_EQ(area.number().ToString(), "1.2");
}

TEST(LabelAreaTest, CxlLabelsAreKnownByTheirTypeUnderAnIndexOfVersion2_1) {
  auto media = std::make_shared<MemoryMedia>(131072);
  LabelArea area = MustInitialise(media, LabelV2_1());
  EXPECT_EQ(&area.version(), &LabelV2_1());
  EXPECT_EQ(area.number().ToString(), "2.1");
  // As kernels take it that know no CXL labels.
  EXPECT_EQ(&MustOpen(media).version(), &LabelV1_2());
  EXPECT_EQ(&MustOpen(media, LabelV2_1()).version(), &LabelV2_1());
  NamespaceLabel ns;
  ns.uuid = TestUuid("11111111-2222-3333-4444-555555555501");
  ns.region_uuid = TestUuid("11111111-2222-3333-4444-555555555502");
  for (int slots = 1; slots <= 3; ++slots) {
    ASSERT_TRUE(area.UpdateRegion(RegionLabel{.uuid = ns.region_uuid}, {}).ok());
    const LabelArea again = MustOpen(media);
    EXPECT_EQ(&again.version(), &LabelV2_1());
    EXPECT_EQ(again.region_labels().size(), static_cast<size_t>(slots));
    EXPECT_EQ(again.findings().size(), 0u);
  }
  ASSERT_TRUE(area.Update(ns, {0, 1, 2}).ok());
  const LabelArea again = MustOpen(media);
  EXPECT_EQ(&again.version(), &LabelV2_1());
  EXPECT_TRUE(again.region_labels().empty());
  ASSERT_EQ(again.labels().size(), 1u);
  EXPECT_EQ(again.labels()[0].label.region_uuid, ns.region_uuid);
  EXPECT_EQ(again.free_slots(), 509u);
}

TEST(LabelAreaTest, CxlRegionLabelsNeedACxlArea) {
  auto media = std::make_shared<MemoryMedia>(131072);
  LabelArea area = MustInitialise(media, LabelV1_2());
  EXPECT_EQ(ReasonOf(area.UpdateRegion(RegionLabel{}, {}).status()), "label.region.version");
}

TEST(LabelAreaTest, BadLabelsAreSkippedAndKeepTheirSlots) {
  auto media = GoldenArea("k12.labels", kArea);
  media->bytes()[0x300 + 20] ^= std::byte{1};  // slot 1: checksum
  auto moved = LabelV1_2().Encode(Simple(9), 7);
  std::memcpy(media->bytes().data() + 0x400, moved.data(), moved.size());  // slot 2 says 7
  LabelArea area = MustOpen(media);
  EXPECT_THAT(UsedSlots(area), ElementsAre(3, 4, 5));
  EXPECT_EQ(area.free_slots() - 1, 504u);
  EXPECT_EQ(area.unreadable_slots(), 2u);
  ASSERT_THAT(area.findings(), SizeIs(2));
  EXPECT_EQ(area.findings()[0].reason, "label.slot.checksum");
  EXPECT_EQ(area.findings()[0].offset, 0x300u);
  EXPECT_EQ(area.findings()[1].reason, "label.slot.number");
  // A repair frees them.
  ASSERT_TRUE(area.Update(std::nullopt, {1, 2}).ok());
  EXPECT_THAT(area.findings(), IsEmpty());
  EXPECT_THAT(MustOpen(media).findings(), IsEmpty());
  EXPECT_EQ(MustOpen(media).free_slots() - 1, 506u);
}

TEST(LabelAreaTest, LabelsInFreeSlotsAreIgnored) {
  auto media = GoldenArea("k12.labels", kArea);
  const auto perfect = LabelV1_2().Encode(Simple(9), 9);
  std::memcpy(media->bytes().data() + 0x200 + 9 * 256, perfect.data(), perfect.size());
  EXPECT_THAT(UsedSlots(MustOpen(media)), ElementsAre(1, 2, 3, 4, 5));
}

TEST(LabelAreaTest, FindingsAreBounded) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  MustInitialise(media, LabelV1_2());
  for (uint64_t block : {0, 256}) {
    std::memset(media->bytes().data() + block + 72, 0, 64);  // every slot in use
    ResealIndex(media->bytes().data() + block, 256);
  }
  media->bytes()[0x200] = std::byte{1};  // zeros would be a valid label of slot 0
  const LabelArea area = MustOpen(media);
  EXPECT_THAT(area.labels(), IsEmpty());
  EXPECT_EQ(area.free_slots(), 0u);
  EXPECT_LT(area.findings().size(), 300u);
  EXPECT_EQ(area.findings().back().reason, "label.findings");
}

// --- updating ---

TEST(LabelAreaTest, BlankAreaRefusesAnUpdate) {
  LabelArea area = MustOpen(std::make_shared<MemoryMedia>(kArea));
  const auto refused = area.Update(Simple(1), {});
  EXPECT_EQ(ReasonOf(refused.status()), "label.index.none");
  EXPECT_EQ(ErrnoOf(refused.status()), ENXIO);
}

TEST(LabelAreaTest, FullAreaRefusesALabelAndTakesADeletion) {
  auto media = std::make_shared<MemoryMedia>(1024);
  LabelArea area = MustInitialise(media, LabelV1_2());
  ASSERT_TRUE(area.Update(Simple(1), {}).ok());
  ASSERT_TRUE(area.Update(Simple(2), {}).ok());
  const std::vector<std::byte> before(media->bytes().begin(), media->bytes().end());
  // Slot 0 would become free, but it is in use until the commit.
  const auto refused = area.Update(Simple(3), {0});
  EXPECT_EQ(ReasonOf(refused.status()), "label.slots.full");
  EXPECT_EQ(ErrnoOf(refused.status()), ENXIO);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), media->bytes().begin()));
  ASSERT_TRUE(area.Update(std::nullopt, {0}).ok());
  EXPECT_EQ(area.free_slots(), 1u);
  EXPECT_THAT(UsedSlots(MustOpen(media)), ElementsAre(1));
}

TEST(LabelAreaTest, UnknownSlotIsRefused) {
  LabelArea area = MustInitialise(std::make_shared<MemoryMedia>(1024), LabelV1_2());
  EXPECT_EQ(ReasonOf(area.Update(Simple(1), {2}).status()), "label.slot.range");
  EXPECT_EQ(ReasonOf(area.Update(std::nullopt, {0xffffffff}).status()), "label.slot.range");
}

TEST(LabelAreaTest, Version1_1DropsWhatItsLabelsLack) {
  LabelArea area = MustInitialise(std::make_shared<MemoryMedia>(kArea), LabelV1_1());
  NamespaceLabel label = Simple(1);
  label.abstraction_guid = kPfnGuid;
  ASSERT_TRUE(area.Update(label, {}).ok());
  EXPECT_TRUE(area.labels()[0].label.abstraction_guid.is_nil());
}

TEST(LabelAreaTest, UpdateTouchesItsSlotAndOneIndexBlockOnly) {
  auto media = GoldenArea("k12.labels", kArea);
  LabelArea area = MustOpen(media);
  const std::vector<std::byte> before(media->bytes().begin(), media->bytes().end());
  ASSERT_EQ(*area.Update(Simple(1), {3}), 0u);
  for (uint64_t at = 0; at < kArea; ++at) {
    if ((at >= 256 && at < 512) || (at >= 0x200 && at < 0x300)) continue;  // block 1, slot 0
    ASSERT_EQ(media->bytes()[at], before[at]) << at;
  }
}

// Random updates, reopened now and then, against a map from slot to label.
TEST(LabelAreaTest, RandomUpdatesFollowAModel) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const uint64_t sizes[] = {768, 1024, 1100, 4096, 20000, 131072};
    const uint64_t size = sizes[random() % 6];
    const bool v1_1 = size < 1024 || random() % 2 == 0;
    auto media = std::make_shared<MemoryMedia>(size);
    LabelArea area = MustInitialise(media, v1_1 ? LabelV1_1() : LabelV1_2());
    std::map<uint32_t, NamespaceLabel> model;
    for (int step = 0; step < 100; ++step) {
      std::vector<uint32_t> doomed;
      for (const auto& [slot, label] : model) {
        if (random() % 4 == 0) doomed.push_back(slot);
      }
      std::optional<NamespaceLabel> label;
      if (random() % 4 != 0) {
        label = Simple(static_cast<uint8_t>(random()));
        label->name = std::string(random() % 64, 'n');
        label->flags = random();
      }
      const bool full = model.size() == area.slot_count();
      const auto slot = area.Update(label, doomed);
      ASSERT_EQ(slot.ok(), !(label && full));
      if (slot.ok()) {
        for (uint32_t gone : doomed) model.erase(gone);
        if (*slot) model[**slot] = *label;
      }
      if (random() % 5 == 0) area = MustOpen(media);
      ASSERT_EQ(area.labels().size(), model.size());
      ASSERT_EQ(area.free_slots(), area.slot_count() - model.size());
      auto expected = model.begin();
      for (const StoredLabel& stored : area.labels()) {
        ASSERT_EQ(stored.slot, expected->first);
        ASSERT_EQ(stored.label, expected->second);
        ++expected;
      }
    }
  }
}

// Random bytes change in a good area: nothing crashes, and what is accepted can be updated.
TEST(LabelAreaTest, RandomDamageIsSurvived) {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    auto media = seed % 2 == 0 ? GoldenArea("k12.labels", kArea) : GoldenArea("k11.labels", kArea);
    for (uint32_t i = random() % 8; i > 0; --i)
      media->bytes()[random() % 1024] = static_cast<std::byte>(random());
    if (random() % 2 == 0)
      for (uint64_t block : {0, 256}) ResealIndex(media->bytes().data() + block, 256);
    LabelArea area = MustOpen(media);
    if (area.verdict() == LabelVerdict::kUnknownVersion) {
      ASSERT_FALSE(area.Update(Simple(1), {}).ok());
      continue;
    }
    if (!area.has_index() || area.free_slots() == 0) continue;
    const auto slot = area.Update(Simple(1), {});
    ASSERT_TRUE(slot.ok());
    const LabelArea again = MustOpen(media);
    ASSERT_EQ(again.labels().size(), area.labels().size());
    ASSERT_EQ(again.free_slots(), area.free_slots());
  }
}

}  // namespace
}  // namespace nvdimmfs::core
