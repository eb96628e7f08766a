// SPDX-License-Identifier: Apache-2.0
// One image for each known kernel defect, made by a builder of its own: each has the finding that
// the documentation names. And the images without the defect, which are clean.
#include <functional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "btt/btt_format.h"
#include "btt/map_entry.h"
#include "btt/vet.h"
#include "core/base/utf8.h"
#include "gtest/gtest.h"
#include "tools/check/sarif_log.h"
#include "tools/check/vet_image.h"
#include "tools/check/vet_rules.h"
#include "tools/docs/reasons.h"
#include "tools/volumes/json_text.h"

namespace nvdimmfs::tools {
namespace {

constexpr uint32_t kNoSuchBlock = btt::kMapBlockMask;

std::string Join(const std::vector<PlacedFinding>& findings) {
  std::string text;
  for (const PlacedFinding& found : findings)
    absl::StrAppend(&text, found.subject, ": ", found.finding.sentence, " [", found.finding.reason,
                    "]\n");
  return text;
}

// Those that count.
std::set<std::string> ReasonsOf(const std::vector<PlacedFinding>& findings) {
  std::set<std::string> reasons;
  for (const PlacedFinding& found : findings)
    if (found.outcome == Outcome::kFound) reasons.insert(found.finding.reason);
  return reasons;
}

struct Case {
  const char* defect;  // as in vet_rules.cc; "": a rule without a name
  const char* name;    // of the test
  const char* reason;
  std::function<VetImage()> build;
};

// An image with one raw namespace whose label `change` changes.
std::function<VetImage()> Label(std::function<void(core::NamespaceLabelV1_2&)> change,
                                const core::LabelVersion& (*version)() = core::LabelV1_2) {
  return [change = std::move(change), version] {
    VetImage image(version());
    const uint32_t slot = image.Add();
    change(image.label(slot));
    image.SealLabel(slot);
    return image;
  };
}

// Whose index blocks `change` changes, both.
std::function<VetImage()> Index(std::function<void(core::IndexBlock&)> change,
                                const core::LabelVersion& (*version)() = core::LabelV1_2) {
  return [change = std::move(change), version] {
    VetImage image(version());
    image.Add();
    for (const int position : {0, 1}) change(image.index(position));
    image.SealIndexes();
    return image;
  };
}

// Whose BTT's info blocks `change` changes, both.
std::function<VetImage()> BttInfo(std::function<void(btt::InfoBlock&)> change) {
  return [change = std::move(change)] {
    VetImage image;
    image.AddBtt();
    change(image.btt_info());
    image.SealBtt();
    return image;
  };
}

// With a BTT that `change` changes.
std::function<VetImage()> Btt(std::function<void(VetImage&)> change, uint32_t lbasize = 4096) {
  return [change = std::move(change), lbasize] {
    VetImage image;
    image.AddBtt(lbasize);
    change(image);
    return image;
  };
}

std::function<VetImage()> Fsdax(std::function<void(core::InfoBlock&)> change) {
  return [change = std::move(change)] {
    VetImage image;
    image.AddFsdax();
    change(image.info());
    image.SealInfo();
    return image;
  };
}

VetImage TwoLabels(
    const std::function<void(core::NamespaceLabelV1_2&, const core::NamespaceLabelV1_2&)>& change) {
  VetImage image;
  const uint32_t first = image.Add();
  const uint32_t second = image.Add();
  change(image.label(second), image.label(first));
  image.SealLabel(second);
  return image;
}

VetImage AllSlotsInUse() {
  VetImage image(core::LabelV1_1(), 4 << 20);
  image.Add();
  for (const int position : {0, 1}) {
    auto* bitmap = reinterpret_cast<std::byte*>(&image.index(position)) + sizeof(core::IndexBlock);
    std::memset(bitmap, 0, image.geometry().bitmap_size());
  }
  image.SealIndexes();
  return image;
}

const Case kCases[] = {
    // --- Label areas. ---
    {"label slot overflow", "SlotCountWraps", "label.index.slot_count",
     Index([](core::IndexBlock& head) { head.slot_count = 0x01000000 + 100; })},
    {"label slot overflow", "SlotCountV1_1Wraps", "label.index.slot_count",
     Index([](core::IndexBlock& head) { head.slot_count = 0x02000000; }, core::LabelV1_1)},
    {"label slot overflow", "SlotCountOneTooMany", "label.index.slot_count",
     Index([](core::IndexBlock& head) { head.slot_count = head.slot_count + 1; })},
    {"label size as shift", "LabelSizeShift", "label.index.label_size",
     Index([](core::IndexBlock& head) { head.label_size = 200; })},
    {"label index of sequence 0", "BothSequencesZero", "label.index.sequence",
     Index([](core::IndexBlock& head) { head.sequence = 0; })},
    {"label indexes of one age", "EqualSequences", "label.index.seq_equal",
     Index([](core::IndexBlock& head) { head.sequence = 2; })},
    {"labels without number", "AllSlotsInUse", "label.slots.many", AllSlotsInUse},
    {"label name without an end", "NameUnterminated", "label.slot.name",
     Label([](core::NamespaceLabelV1_2& label) { label.base.name.fill('x'); })},
    {"label name without an end", "NameV1_1Unterminated", "label.slot.name",
     Label([](core::NamespaceLabelV1_2& label) { label.base.name.fill('x'); }, core::LabelV1_1)},
    {"label with an odd sector size", "LbasizeOdd", "label.slot.lbasize",
     Label([](core::NamespaceLabelV1_2& label) { label.base.lbasize = 4097; })},
    {"label of a set of no DIMMs", "NlabelZero", "label.slot.nlabel",
     Label([](core::NamespaceLabelV1_2& label) { label.base.nlabel = 0; })},
    {"label of no bytes", "RawsizeZero", "label.slot.rawsize",
     Label([](core::NamespaceLabelV1_2& label) { label.base.rawsize = 0; })},
    {"label extent that wraps", "ExtentWraps", "label.dpa.wraps",
     Label([](core::NamespaceLabelV1_2& label) {
       label.base.dpa = ~uint64_t{4095};
       label.base.rawsize = 8192;
     })},
    {"label without a uuid", "UuidNil", "label.slot.uuid",
     Label([](core::NamespaceLabelV1_2& label) { label.base.uuid = {}; })},
    {"one uuid in two labels", "UuidTwice", "labels.duplicate",
     [] {
       return TwoLabels(
           [](core::NamespaceLabelV1_2& second, const core::NamespaceLabelV1_2& first) {
             second.base.uuid = first.base.uuid;
           });
     }},
    {"label extents that overlap", "ExtentsOverlap", "dpa.overlap",
     [] {
       return TwoLabels([](core::NamespaceLabelV1_2& second, const core::NamespaceLabelV1_2&) {
         second.base.dpa = second.base.dpa - 4096;
       });
     }},
    {"", "ExtentPastTheDimm", "label.slot.extent",
     Label([](core::NamespaceLabelV1_2& label) { label.base.rawsize = uint64_t{1} << 40; })},
    {"", "PositionOutsideTheSet", "label.slot.position",
     Label([](core::NamespaceLabelV1_2& label) { label.base.position = 1; })},
    {"", "TypeUnknown", "label.slot.type_guid",
     Label([](core::NamespaceLabelV1_2& label) { label.type_guid.fill(0xee); })},
    {"", "AbstractionUnknown", "label.abstraction",
     Label([](core::NamespaceLabelV1_2& label) { label.abstraction_guid.fill(0xee); })},
    {"", "FlagsUnknown", "label.slot.flags",
     Label([](core::NamespaceLabelV1_2& label) { label.base.flags = 0x100; })},
    {"", "ReservedBytes", "label.slot.reserved",
     Label([](core::NamespaceLabelV1_2& label) { label.reserved[87] = 1; })},
    {"", "NameWithEscapes", "label.slot.name_text",
     Label([](core::NamespaceLabelV1_2& label) { label.base.name[1] = '\x1b'; })},
    {"", "NameNotUtf8", "label.slot.name_text",
     Label([](core::NamespaceLabelV1_2& label) { label.base.name[1] = '\xff'; })},
    {"", "NameTail", "label.slot.name_tail",
     Label([](core::NamespaceLabelV1_2& label) { label.base.name[40] = 'x'; })},
    {"", "ExtentUnaligned", "label.slot.align",
     Label([](core::NamespaceLabelV1_2& label) { label.base.rawsize = label.base.rawsize - 512; })},
    {"", "SlotElsewhere", "label.slot.number",
     Label([](core::NamespaceLabelV1_2& label) { label.base.slot = 7; })},
    {"", "IndexFlags", "label.index.odd", Index([](core::IndexBlock& head) { head.flags[1] = 1; })},
    {"", "IndexSequenceBits", "label.index.odd",
     Index([](core::IndexBlock& head) { head.sequence = head.sequence | 4; })},
    {"", "IndexMySize", "label.index.odd",
     Index([](core::IndexBlock& head) { head.my_size = 72; })},
    {"", "IndexFewSlots", "label.index.few_slots",
     Index([](core::IndexBlock& head) { head.slot_count = 10; })},
    {"", "IndexPadding", "label.index.padding",
     Index([](core::IndexBlock& head) { reinterpret_cast<char*>(&head)[255] = 1; })},
    // --- BTTs. ---
    {"BTT nfree below lanes", "NfreeBelowLanes", "btt.info.nfree",
     BttInfo([](btt::InfoBlock& info) {
       info.nfree = 1;
       info.external_nlba = info.internal_nlba - 1;
     })},
    {"BTT of an impossible sector size", "LbasizeZero", "btt.info.lbasize",
     BttInfo([](btt::InfoBlock& info) { info.external_lbasize = 0; })},
    {"BTT chain beyond the namespace", "NextoffBeyond", "btt.info.nextoff",
     BttInfo([](btt::InfoBlock& info) { info.nextoff = uint64_t{1} << 62; })},
    {"BTT parts outside the arena", "MapoffBeyond", "btt.info.layout",
     BttInfo([](btt::InfoBlock& info) { info.mapoff = uint64_t{1} << 40; })},
    {"BTT flog with equal sequence numbers", "FlogSeqEqual", "btt.flog.seq",
     Btt([](VetImage& image) { image.flog(3).slots[1] = image.flog(3).slots[0]; })},
    {"BTT flog of two layouts", "FlogMixed", "btt.flog.padding", Btt([](VetImage& image) {
       for (const uint32_t lane : {10u, 11u}) {
         btt::FlogEntry next = image.flog(lane).slots[0];
         next.seq = 2;
         image.flog(lane).slots[lane - 9] = next;
       }
     })},
    {"BTT flog entry outside the arena", "FlogRange", "btt.flog.range", Btt([](VetImage& image) {
       image.flog(9).slots[0].old_map = kNoSuchBlock;
       image.flog(9).slots[1] = {};
     })},
    {"BTT map entry outside the arena", "MapRange", "btt.map.range",
     Btt([](VetImage& image) { image.map(5) = btt::MapEntry::Normal(kNoSuchBlock); })},
    {"BTT block with two owners", "MapShared", "btt.map.shared", Btt([](VetImage& image) {
       image.map(100) = btt::MapEntry::Normal(3000);
       image.map(101) = btt::MapEntry::Normal(3000);
     })},
    {"BTT block with two owners", "FlogShared", "btt.flog.shared", Btt([](VetImage& image) {
       image.map(100) = btt::MapEntry::Normal(image.flog(200).slots[0].old_map);
     })},
    {"BTT zero sector reads as old memory", "ZeroOf512", "btt.map.zero",
     Btt([](VetImage& image) { image.map(77) = btt::MapEntry::Zero(77); }, 512)},
    {"", "InitialWithABlock", "btt.map.odd", Btt([](VetImage& image) { image.map(77) = 5; })},
    {"", "BttPadding", "btt.info.padding",
     BttInfo([](btt::InfoBlock& info) { info.padding[3000] = 1; })},
    {"", "BttUuidNil", "btt.info.odd", BttInfo([](btt::InfoBlock& info) { info.uuid = {}; })},
    {"", "BttFlags", "btt.info.odd", BttInfo([](btt::InfoBlock& info) { info.flags = 2; })},
    {"", "BttMapMoved", "btt.info.geometry", BttInfo([](btt::InfoBlock& info) {
       info.external_nlba = info.external_nlba - 1;
       info.internal_nlba = info.internal_nlba - 1;
     })},
    {"", "BttBackup", "btt.info.backup",
     Btt([](VetImage& image) { image.btt_info(true).flags = 1; })},
    // --- The info block of fsdax. ---
    {"page structs over the data", "DataoffInPageStructs", "info.dataoff",
     Fsdax([](core::InfoBlock& block) {
       block.dataoff = 8192;
       block.align = 4096;
       block.npfns = (VetImage::kSize - 8192) / 4096;
     })},
    {"page structs over the data", "DataoffInInfoBlock", "info.dataoff",
     Fsdax([](core::InfoBlock& block) {
       block.mode = 1;
       block.dataoff = 4096;
       block.align = 4096;
     })},
    {"info block that leaves no data", "NoData", "info.empty", Fsdax([](core::InfoBlock& block) {
       block.end_trunc = static_cast<uint32_t>(VetImage::kSize - block.dataoff);
     })},
    {"info block with start padding", "StartPad", "info.start_pad",
     Fsdax([](core::InfoBlock& block) { block.start_pad = 2 << 20; })},
    {"", "InfoVersion", "info.version",
     Fsdax([](core::InfoBlock& block) { block.version_major = 9; })},
    {"", "InfoReserved", "info.reserved",
     Fsdax([](core::InfoBlock& block) { block.padding[17] = 1; })},
    {"", "InfoPages", "info.npfns", Fsdax([](core::InfoBlock& block) { block.npfns = 100000; })},
    {"", "InfoMode", "info.mode", Fsdax([](core::InfoBlock& block) { block.mode = 0; })},
    {"", "InfoAlign", "info.align", Fsdax([](core::InfoBlock& block) { block.align = 12288; })},
    {"", "InfoPageSize", "info.page_size",
     Fsdax([](core::InfoBlock& block) { block.page_size = 0; })},
    {"", "InfoPageStruct", "info.page_struct_size",
     Fsdax([](core::InfoBlock& block) { block.page_struct_size = 128; })},
    {"", "InfoEndTrunc", "info.end_trunc",
     Fsdax([](core::InfoBlock& block) { block.end_trunc = 4 << 20; })},
};

class KernelDefectTest : public testing::TestWithParam<Case> {};

TEST_P(KernelDefectTest, IsFoundAndNothingIsChanged) {
  VetImage image = GetParam().build();
  const std::vector<std::byte> labels(image.labels().begin(), image.labels().end());
  const uint64_t before = core::Fletcher64(image.capacity(), 0);
  const auto findings = image.Vet();
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_TRUE(ReasonsOf(*findings).count(GetParam().reason)) << Join(*findings);
  for (const PlacedFinding& found : *findings) {
    EXPECT_FALSE(found.finding.sentence.empty());
    EXPECT_LE(found.finding.offset + found.length, VetImage::kCapacity + image.labels().size())
        << found.finding.reason;
  }
  EXPECT_TRUE(absl::MakeConstSpan(labels) == absl::MakeConstSpan(image.labels()));
  EXPECT_EQ(before, core::Fletcher64(image.capacity(), 0));
}

INSTANTIATE_TEST_SUITE_P(All, KernelDefectTest, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

// So each builder is sound but for its defect.
TEST(VetTest, SoundImagesAreClean) {
  for (const core::LabelVersion* version : {&core::LabelV1_1(), &core::LabelV1_2()}) {
    VetImage image(*version);
    image.Add();
    image.Add();
    const auto findings = image.Vet();
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_EQ("", Join(*findings)) << version->number().ToString();
  }
  for (const uint32_t lbasize : btt::kExternalSizes) {
    VetImage image;
    image.AddBtt(lbasize);
    const auto findings = image.Vet();
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_EQ("", Join(*findings)) << lbasize;
  }
  for (const auto mode : {core::InfoBlockMode::kRam, core::InfoBlockMode::kPmem}) {
    VetImage image;
    image.AddFsdax(mode);
    const auto findings = image.Vet();
    ASSERT_TRUE(findings.ok()) << findings.status();
    EXPECT_EQ("", Join(*findings));
  }
}

TEST(VetTest, LabelsBeyondTheLimitAreNotRead) {
  const auto findings = AllSlotsInUse().Vet();
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_EQ(findings->back().outcome, Outcome::kNotRead);
  EXPECT_EQ(findings->back().finding.reason, "vet.partial");
}

TEST(VetTest, MapsBeyondTheLimitAreSampledAndNoted) {
  VetImage image;
  image.AddBtt(512);
  const auto media = core::MediaSlice::Make(image.Bus().regions[0].media, {0, VetImage::kSize});
  ASSERT_TRUE(media.ok());
  const core::Uuid parent(image.btt_info().parent_uuid);
  image.map(3) = btt::MapEntry::Normal(kNoSuchBlock);
  image.map(5) = btt::MapEntry::Normal(300);
  image.map(6) = btt::MapEntry::Normal(300);
  btt::VetBudget budget{.whole = 1000, .sampled = 1 << 20};
  btt::VetReport report = btt::Vet(**media, btt::Version::kV2_0, parent, budget);
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_EQ(report.notes[0].reason, "vet.partial");
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].finding.reason, "btt.map.range");
  budget = {.whole = 1000, .sampled = 1000};
  report = btt::Vet(**media, btt::Version::kV2_0, parent, budget);
  EXPECT_EQ(report.findings.size(), 0u);
  EXPECT_EQ(report.notes.size(), 1u);
  budget = btt::VetBudget::Full();
  report = btt::Vet(**media, btt::Version::kV2_0, parent, budget);
  EXPECT_GT(report.findings.size(), 1u);
  EXPECT_EQ(report.notes.size(), 0u);
}

TEST(VetRulesTest, EachNamedDefectHasAnImageAndEachFindingARow) {
  std::set<std::string> tested, ruled;
  for (const Case& test : kCases) {
    ASSERT_NE(FindVetRule(test.reason), nullptr) << test.reason;
    if (*test.defect == '\0') continue;
    EXPECT_EQ(FindVetRule(test.reason)->defect, test.defect) << test.name;
    tested.insert(absl::StrCat(test.defect, " ", test.reason));
  }
  std::string before;
  for (const VetRule& rule : VetRules()) {
    EXPECT_LT(before, rule.reason);
    before = std::string(rule.reason);
    EXPECT_NE(FindReason(rule.reason), nullptr) << rule.reason;
    EXPECT_FALSE(rule.kernel.empty());
    if (!rule.defect.empty()) ruled.insert(absl::StrCat(rule.defect, " ", rule.reason));
  }
  EXPECT_EQ(tested, ruled);
}

TEST(SarifLogTest, IsValidWhateverTheTextIs) {
  SarifLog log;
  const std::string hostile("\x1b]0;x\a \xff\xfe \"\\ \n\0 \xe2\x80\xae", 17);
  log.Add("/a b/" + hostile, {hostile, {"no.such", 1, hostile}, Outcome::kFound, 3});
  log.Add("x", {"nmem0", {"label.slot.name", 512, "s"}, Outcome::kFound, 256, "l:x%"});
  log.AddRefusal(hostile, absl::InternalError(hostile));
  const auto parsed = volumes::ParseJson(core::EscapeJson(log.Finish(12).Indented()));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const core::Json& run = parsed->Find("runs")->array()[0];
  EXPECT_EQ(*parsed->Find("version")->text(), "2.1.0");
  const auto& rules = run.Find("tool")->Find("driver")->Find("rules")->array();
  const auto& results = run.Find("results")->array();
  ASSERT_EQ(results.size(), 2u);
  for (const core::Json& result : results)
    EXPECT_EQ(*rules[*result.Find("ruleIndex")->natural()].Find("id")->text(),
              *result.Find("ruleId")->text());
  const core::Json& place = *results[1].Find("locations")->array()[0].Find("physicalLocation");
  EXPECT_EQ(*place.Find("artifactLocation")->Find("uri")->text(), "l%3Ax%25");
  EXPECT_EQ(place.Find("region")->Find("byteOffset")->natural(), 512u);
  EXPECT_EQ(place.Find("region")->Find("byteLength")->natural(), 256u);
  EXPECT_EQ(*results[1].Find("level")->text(), "error");
  EXPECT_EQ(UriOf("/a b/c.img"), "file:///a%20b/c.img");
  EXPECT_EQ(run.Find("invocations")->array()[0].Find("executionSuccessful")->boolean(), false);
}

}  // namespace
}  // namespace nvdimmfs::tools
