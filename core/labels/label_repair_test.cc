// SPDX-License-Identifier: Apache-2.0
// Label areas that lost what no twin holds, and what a repair makes of them; with the power failing
// at every step of it.
#include "core/labels/label_repair.h"

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/labels/give_up_slot.h"
#include "core/labels/label_area.h"
#include "core/labels/label_format.h"
#include "core/labels/label_test_util.h"
#include "core/media/memory_media.h"
#include "core/testing/faulty_media.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using nvdimmfs::testing::FaultyMedia;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kArea = 131072;
constexpr uint64_t kSlot0 = 512;
constexpr uint64_t kCapacity = uint64_t{1} << 40;

using Bytes = std::vector<std::byte>;

Bytes BytesOf(const Media& media) {
  Bytes bytes(media.size());
  EXPECT_TRUE(media.Read(0, absl::MakeSpan(bytes)).ok());
  return bytes;
}

// What a reader finds, slots apart: a repair may move a label.
std::string LabelsOf(const std::shared_ptr<Media>& media) {
  const LabelArea area = MustOpen(media);
  if (!area.has_index()) return area.verdict() == LabelVerdict::kBlank ? "blank" : "damaged";
  std::vector<std::string> labels;
  for (const StoredLabel& stored : area.labels()) {
    const NamespaceLabel& label = stored.label;
    labels.push_back(absl::StrCat(label.uuid.ToString(), "/", label.name, "/", label.dpa, "+",
                                  label.rawsize, "/", label.flags));
  }
  std::sort(labels.begin(), labels.end());
  std::string text = absl::StrCat("v", area.number().ToString());
  for (const std::string& label : labels) absl::StrAppend(&text, " ", label);
  return text;
}

LabelRepairReport Repair(const std::shared_ptr<Media>& media, LabelRepairOptions options = {}) {
  if (options.capacity == 0) options.capacity = kCapacity;
  options.source = "vm.img";
  auto report = RepairLabelArea(media, options);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : LabelRepairReport();
}

std::string Sentences(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings)
    absl::StrAppend(&text, finding.reason, ": ", finding.sentence, "\n");
  return text;
}

void ExpectRestored(const std::shared_ptr<MemoryMedia>& media, const std::string& labels) {
  const LabelRepairReport report = Repair(media);
  EXPECT_EQ(LabelsOf(media), labels) << Sentences(report.undecided);
  EXPECT_THAT(report.mended, Not(IsEmpty()));
  EXPECT_THAT(report.undecided, IsEmpty()) << Sentences(report.undecided);
  EXPECT_EQ(MustOpen(media).verdict(), LabelVerdict::kSound)
      << Sentences(MustOpen(media).findings());
}

// A kernel's area, and how large its index blocks are.
struct Golden {
  const char* name;
  uint64_t size;
  uint64_t index_size;

  std::shared_ptr<MemoryMedia> Make() const { return GoldenArea(name, size); }
};

const Golden kGolden[] = {{"k12.labels", kArea, 0x100}, {"k11.labels", 1 << 20, 0x500}};

IndexBlock& Head(MemoryMedia& media, uint64_t at) {
  return *reinterpret_cast<IndexBlock*>(media.bytes().data() + at);
}

TEST(LabelRepairTest, LeavesBlankAndSoundAreasAlone) {
  for (const auto& media :
       {std::make_shared<MemoryMedia>(kArea), GoldenArea("k12.labels", kArea), kGolden[1].Make()}) {
    const Bytes before = BytesOf(*media);
    const LabelRepairReport report = Repair(media);
    EXPECT_THAT(report.mended, IsEmpty());
    EXPECT_THAT(report.undecided, IsEmpty());
    EXPECT_EQ(BytesOf(*media), before);
  }
}

// Any one byte of both index blocks, whatever becomes of it: their checksums say what they were.
TEST(LabelRepairTest, OneByteOfBothIndexBlocks) {
  std::mt19937 random(1);
  for (const Golden& golden : kGolden) {
    const std::string labels = LabelsOf(golden.Make());
    for (uint64_t at = 0; at < golden.index_size; at += golden.index_size / 256) {
      SCOPED_TRACE(absl::StrCat(golden.name, " ", at));
      auto media = golden.Make();
      for (const uint64_t block : {uint64_t{0}, golden.index_size})
        media->bytes()[block + at] ^= static_cast<std::byte>(random() % 255 + 1);
      if (MustOpen(media).verdict() == LabelVerdict::kDamaged) ExpectRestored(media, labels);
    }
  }
}

TEST(LabelRepairTest, TheReportedImage) {
  auto media = GoldenArea("k12.labels", kArea);
  const Bytes before = BytesOf(*media);
  media->bytes()[20] ^= std::byte{0x10};
  media->bytes()[276] ^= std::byte{0x10};
  ExpectRestored(media, LabelsOf(GoldenArea("k12.labels", kArea)));
  EXPECT_EQ(BytesOf(*media), before);
}

// The fields before the checksum follow from the geometry.
TEST(LabelRepairTest, LostHeadsOfBothIndexBlocks) {
  for (const Golden& golden : kGolden)
    for (const int fill : {0, 0xee, 0xff}) {
      SCOPED_TRACE(absl::StrCat(golden.name, " ", fill));
      auto media = golden.Make();
      for (const uint64_t block : {uint64_t{0}, golden.index_size})
        std::memset(media->bytes().data() + block, fill, 64);
      ExpectRestored(media, LabelsOf(golden.Make()));
    }
}

TEST(LabelRepairTest, ImpossibleLabelSizeWithAMatchingChecksum) {
  for (const uint8_t code : {25, 32}) {
    auto media = GoldenArea("k12.labels", kArea);
    for (const uint64_t block : {0, 256}) {
      Head(*media, block).label_size = code;
      ResealIndex(media->bytes().data() + block, 256);
    }
    ExpectRestored(media, LabelsOf(GoldenArea("k12.labels", kArea)));
  }
}

// Nothing but the labels: which of two copies counts, the mark of an update says.
TEST(LabelRepairTest, LostIndexBlocks) {
  for (const int fill : {0, 0xff, 0x5a}) {
    SCOPED_TRACE(fill);
    auto media = kGolden[0].Make();
    std::memset(media->bytes().data(), fill, 512);
    ExpectRestored(media, LabelsOf(kGolden[0].Make()));
  }
}

// The one that was destroyed comes back, as the index that knew of it is lost; the live ones are
// there.
TEST(LabelRepairTest, ADestroyedNamespaceMayComeBackALiveOneDoesNotGo) {
  auto media = kGolden[1].Make();
  const LabelArea before = MustOpen(media);
  std::memset(media->bytes().data(), 0, 2 * kGolden[1].index_size);
  const LabelRepairReport report = Repair(media);
  EXPECT_THAT(report.undecided, IsEmpty()) << Sentences(report.undecided);
  const std::string after = LabelsOf(media);
  for (const StoredLabel& stored : before.labels())
    EXPECT_THAT(after, HasSubstr(stored.label.uuid.ToString()));
  EXPECT_GE(MustOpen(media).labels().size(), before.labels().size());
}

// A life as a kernel leads it, then everything but the slots is lost. No label that was live is
// missing afterwards, or nothing is written and the conflict is told.
TEST(LabelRepairTest, AfterALongLifeNoLiveLabelIsLost) {
  int rebuilt = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const LabelVersion& version = seed % 2 == 0 ? LabelV1_2() : LabelV1_1();
    auto media = std::make_shared<MemoryMedia>(8192);
    LabelArea area = MustInitialise(media, version);
    std::vector<std::pair<uint64_t, uint32_t>> live;  // place, slot
    const auto take = [&](uint64_t place, std::vector<uint32_t> old) {
      NamespaceLabel label;
      label.uuid = Uuid(Uuid::Bytes{static_cast<uint8_t>(random()), static_cast<uint8_t>(random()),
                                    static_cast<uint8_t>(random())});
      label.rawsize = 4096;
      label.dpa = place * 4096;
      live.emplace_back(place, TwoPhase(area, label, std::move(old)));
    };
    for (int turn = 0; turn < 12; ++turn) {
      const uint64_t place = random() % 8;
      const auto there = std::find_if(live.begin(), live.end(),
                                      [place](const auto& one) { return one.first == place; });
      if (there == live.end()) {
        take(place, {});
      } else {
        ASSERT_TRUE(area.Update(std::nullopt, {there->second}).ok());
        live.erase(there);
      }
    }
    const LabelArea before = MustOpen(media);
    std::memset(media->bytes().data(), 0, 512);
    const Bytes damaged = BytesOf(*media);
    const LabelRepairReport report = Repair(media);
    const LabelArea after = MustOpen(media);
    if (!after.has_index()) {
      EXPECT_EQ(BytesOf(*media), damaged);
      EXPECT_TRUE(before.labels().empty() || !report.undecided.empty());
      continue;
    }
    ++rebuilt;
    std::string found;
    for (const StoredLabel& stored : after.labels()) {
      absl::StrAppend(&found, stored.label.uuid.ToString(), stored.label.dpa, " ");
      for (const StoredLabel& other : after.labels())
        EXPECT_TRUE(other.slot == stored.slot ||
                    (other.label.uuid != stored.label.uuid && other.label.dpa != stored.label.dpa));
    }
    for (const StoredLabel& stored : before.labels())
      EXPECT_THAT(found,
                  HasSubstr(absl::StrCat(stored.label.uuid.ToString(), stored.label.dpa, " ")));
  }
  EXPECT_GT(rebuilt, 100);
}

TEST(LabelRepairTest, ABrokenTwinIsWrittenAnew) {
  for (const uint64_t block : {0, 256}) {
    auto media = GoldenArea("k12.labels", kArea);
    std::memset(media->bytes().data() + block, 0xee, 256);
    const std::string used = LabelsOf(media);
    const LabelRepairReport report = Repair(media);
    EXPECT_THAT(report.mended, SizeIs(1));
    EXPECT_EQ(LabelsOf(media), used);
    const LabelArea again = MustOpen(media);
    for (const Finding& finding : again.findings())
      EXPECT_EQ(finding.reason, "label.slot.updating");
  }
}

// A kernel would use the older one.
TEST(LabelRepairTest, TheNewerBlockIsRestoredWhereItsChecksumVouchesForIt) {
  auto media = GoldenArea("k12.labels", kArea);
  const Bytes before = BytesOf(*media);
  const int current = MustOpen(media).current();
  media->bytes()[static_cast<size_t>(current) * 256 + 72] ^= std::byte{0x3c};
  Repair(media);
  EXPECT_EQ(BytesOf(*media), before);
}

// One changed byte anywhere in a label in use: its checksum says what it was.
TEST(LabelRepairTest, OneByteOfALabel) {
  const std::string labels = LabelsOf(GoldenArea("k12.labels", kArea));
  int restored = 0;
  for (uint64_t at = 0; at < 256; ++at) {
    SCOPED_TRACE(at);
    auto media = GoldenArea("k12.labels", kArea);
    media->bytes()[kSlot0 + 3 * 256 + at] ^= std::byte{0x55};
    const LabelRepairReport report = Repair(media);
    if (!report.undecided.empty()) {
      EXPECT_NE(LabelsOf(media), labels);
      EXPECT_THAT(report.undecided[0].sentence, HasSubstr("--slot 3"));
      continue;
    }
    ++restored;
    EXPECT_EQ(LabelsOf(media), labels);
    EXPECT_EQ(MustOpen(media).verdict(), LabelVerdict::kSound);
  }
  EXPECT_GT(restored, 200);
}

TEST(LabelRepairTest, ALabelThatIsGoneStaysAFinding) {
  for (const int fill : {0, 0xee}) {
    auto media = GoldenArea("k12.labels", kArea);
    std::memset(media->bytes().data() + kSlot0 + 3 * 256, fill, 256);
    const Bytes before = BytesOf(*media);
    const LabelRepairReport report = Repair(media);
    EXPECT_THAT(report.mended, IsEmpty());
    ASSERT_THAT(report.undecided, SizeIs(1));
    EXPECT_EQ(report.undecided[0].offset, kSlot0 + 3 * 256);
    EXPECT_THAT(report.undecided[0].sentence, HasSubstr("init-labels --force --slot 3 vm.img"));
    EXPECT_EQ(BytesOf(*media), before);
  }
}

// Two namespaces at one place, and no word on which was deleted.
TEST(LabelRepairTest, AConflictIsNotGuessed) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  LabelArea area = MustInitialise(media, LabelV1_2());
  NamespaceLabel label;
  label.rawsize = 4096;
  for (const uint8_t n : {1, 2}) {
    label.uuid = Uuid(Uuid::Bytes{n});
    ASSERT_TRUE(area.Update(label, {}).ok());
  }
  std::memset(media->bytes().data(), 0, 512);
  const Bytes before = BytesOf(*media);
  const LabelRepairReport report = Repair(media);
  ASSERT_THAT(report.undecided, SizeIs(1));
  EXPECT_THAT(report.undecided[0].sentence, HasSubstr("overlap"));
  EXPECT_THAT(report.undecided[0].sentence, HasSubstr("--slot 0"));
  EXPECT_EQ(BytesOf(*media), before);
}

TEST(LabelRepairTest, GivingUpASlotLetsARepairGoOn) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  LabelArea area = MustInitialise(media, LabelV1_2());
  NamespaceLabel label;
  label.rawsize = 4096;
  for (const uint8_t n : {1, 2}) {
    label.uuid = Uuid(Uuid::Bytes{n});
    ASSERT_TRUE(area.Update(label, {}).ok());
  }
  std::memset(media->bytes().data(), 0, 512);
  int kept = 0;
  const auto keep = [&kept] {
    ++kept;
    return absl::OkStatus();
  };
  EXPECT_EQ(ErrnoOf(GiveUpSlot(media, 2, {}, keep)), ENOENT);
  EXPECT_EQ(ErrnoOf(GiveUpSlot(media, 510, {}, keep)), EINVAL);
  EXPECT_EQ(kept, 0);
  ASSERT_TRUE(GiveUpSlot(media, 0, {}, keep).ok());
  EXPECT_EQ(kept, 1);
  EXPECT_THAT(Repair(media).undecided, IsEmpty());
  EXPECT_THAT(UsedSlots(MustOpen(media)), ::testing::ElementsAre(1));
  // With an index: what can be read is for a mount to destroy.
  EXPECT_EQ(ErrnoOf(GiveUpSlot(media, 1, {}, keep)), EBUSY);
  std::memset(media->bytes().data() + kSlot0 + 256, 0xee, 256);
  ASSERT_TRUE(GiveUpSlot(media, 1, {}, keep).ok());
  EXPECT_EQ(MustOpen(media).verdict(), LabelVerdict::kSound);
}

TEST(LabelRepairTest, LabelsOfASetThatTheOtherDimmsDoNotKnowWereDeleted) {
  auto media = std::make_shared<MemoryMedia>(kArea);
  LabelArea area = MustInitialise(media, LabelV1_2());
  NamespaceLabel label;
  label.nlabel = 2;
  label.rawsize = 4096;
  LabelRepairOptions options;
  options.elsewhere.emplace();
  for (const uint8_t n : {1, 2}) {
    label.uuid = Uuid(Uuid::Bytes{n});
    label.dpa = n * uint64_t{4096};
    ASSERT_TRUE(area.Update(label, {}).ok());
  }
  options.elsewhere->insert(label.uuid);
  std::memset(media->bytes().data(), 0, 512);
  const LabelRepairReport report = Repair(media, options);
  EXPECT_THAT(UsedSlots(MustOpen(media)), ::testing::ElementsAre(1));
  EXPECT_THAT(Sentences(report.mended), HasSubstr("considered deleted"));
}

TEST(LabelRepairTest, AnUnknownVersionIsLeftAlone) {
  auto media = GoldenArea("k12.labels", kArea);
  for (const uint64_t block : {0, 256}) {
    Head(*media, block).major = 9;
    ResealIndex(media->bytes().data() + block, 256);
  }
  media->bytes()[kSlot0 + 3 * 256] ^= std::byte{1};
  const Bytes before = BytesOf(*media);
  EXPECT_THAT(Repair(media).undecided, SizeIs(1));
  EXPECT_EQ(BytesOf(*media), before);
}

TEST(LabelRepairTest, BytesThatAreNoLabelsAreLeftAlone) {
  for (const uint64_t at : {uint64_t{0}, uint64_t{300}, kSlot0, kArea - 1}) {
    auto media = std::make_shared<MemoryMedia>(kArea);
    media->bytes()[at] = std::byte{0x77};
    const Bytes before = BytesOf(*media);
    EXPECT_THAT(Repair(media).undecided, SizeIs(1));
    EXPECT_EQ(BytesOf(*media), before);
  }
}

TEST(LabelRepairTest, TheAreaIsKeptBeforeItIsOverwritten) {
  auto media = GoldenArea("k12.labels", kArea);
  std::memset(media->bytes().data(), 0xee, 512);
  const Bytes before = BytesOf(*media);
  Bytes kept(kArea);
  LabelRepairOptions options{.capacity = kCapacity};
  options.save = [&](uint64_t offset, absl::Span<const std::byte> bytes) {
    EXPECT_EQ(BytesOf(*media), before);
    std::copy(bytes.begin(), bytes.end(), kept.begin() + static_cast<ptrdiff_t>(offset));
    return absl::OkStatus();
  };
  ASSERT_TRUE(RepairLabelArea(media, options).ok());
  EXPECT_EQ(kept, before);
  // And where it cannot be kept, it is not.
  auto refused = GoldenArea("k12.labels", kArea);
  std::memset(refused->bytes().data(), 0xee, 512);
  options.save = [](uint64_t, absl::Span<const std::byte>) {
    return Refusal(ENOSPC, "repair.log", "full");
  };
  EXPECT_EQ(ErrnoOf(RepairLabelArea(refused, options).status()), ENOSPC);
  EXPECT_EQ(BytesOf(*refused), before);
}

TEST(LabelRepairTest, RandomDamageNeverMakesWhatAKernelRefuses) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const Golden& golden = kGolden[seed % 2];
    auto media = golden.Make();
    for (uint32_t i = random() % 64; i > 0; --i)
      media->bytes()[random() % (2 * golden.index_size + 2048)] = static_cast<std::byte>(random());
    ASSERT_TRUE(RepairLabelArea(media, {.capacity = kCapacity}).ok());
    const LabelArea area = MustOpen(media);
    // (Labels of 128 bytes have no checksum: what damage made of them cannot be told.)
    for (const StoredLabel& stored : area.labels())
      for (const StoredLabel& other : area.labels())
        ASSERT_TRUE(stored.slot == other.slot || (&area.version() == &LabelV1_1()) ||
                    (stored.label.uuid != other.label.uuid && stored.label.dpa != other.label.dpa));
    ASSERT_TRUE(RepairLabelArea(media, {.capacity = kCapacity}).ok());
    // Nothing is left to a second one.
    ASSERT_EQ(MustOpen(media).labels().size(), area.labels().size());
  }
}

// --- power cuts ---

using Damage = void (*)(Media& media);

void Overwrite(Media& media, uint64_t offset, size_t size, int fill) {
  const std::vector<std::byte> bytes(size, static_cast<std::byte>(fill));
  ASSERT_TRUE(media.Write(offset, bytes).ok());
  ASSERT_TRUE(media.Persist(offset, size).ok());
}

const std::pair<const char*, Damage> kDamages[] = {
    {"a byte of each block",
     [](Media& media) {
       Overwrite(media, 20, 1, 0xee);
       Overwrite(media, 276, 1, 0xee);
     }},
    {"both heads",
     [](Media& media) {
       Overwrite(media, 0, 64, 0xee);
       Overwrite(media, 256, 64, 0xee);
     }},
    {"both blocks, zeros", [](Media& media) { Overwrite(media, 0, 512, 0); }},
    {"both blocks, ones", [](Media& media) { Overwrite(media, 0, 512, 0xff); }},
    {"block 0", [](Media& media) { Overwrite(media, 0, 256, 0xee); }},
    {"block 1", [](Media& media) { Overwrite(media, 256, 256, 0xee); }},
    {"a bit of block 0", [](Media& media) { Overwrite(media, 75, 1, 0x7f); }},
    {"a byte of a label", [](Media& media) { Overwrite(media, 512 + 256 + 20, 1, 0xee); }},
};

TEST(LabelRepairTest, APowerCutAtAnyStepLeavesWhatARepairMends) {
  for (const auto& [name, damage] : kDamages) {
    SCOPED_TRACE(name);
    auto start = std::make_shared<FaultyMedia>(2048);
    {
      LabelArea area = MustInitialise(start, LabelV1_2());
      for (const uint8_t n : {1, 2}) {
        NamespaceLabel label;
        label.uuid = Uuid(Uuid::Bytes{n, n, n});
        label.rawsize = 4096;
        label.dpa = n * uint64_t{4096};
        TwoPhase(area, label, {});
      }
    }
    damage(*start);
    const std::string before = LabelsOf(start->Clone());
    auto whole = start->Clone();
    Repair(whole);
    const std::string after = LabelsOf(whole);
    ASSERT_NE(after, "damaged");
    for (int64_t step = 0;; ++step) {
      SCOPED_TRACE(absl::StrCat("power cut before step ", step));
      auto media = start->Clone();
      media->CutBefore(step);
      const bool done = RepairLabelArea(media, {.capacity = kCapacity}).ok();
      if (!media->cut()) {
        EXPECT_TRUE(done);
        break;
      }
      for (const auto& left : media->Outcomes(32, static_cast<uint64_t>(step))) {
        ASSERT_THAT(LabelsOf(left), AnyOf(Eq(before), Eq(after)));
        Repair(left);
        ASSERT_EQ(LabelsOf(left), after);
      }
    }
  }
}

}  // namespace
}  // namespace nvdimmfs::core
