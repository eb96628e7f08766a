// SPDX-License-Identifier: Apache-2.0
#include "core/labels/namespace_scan.h"

#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/labels/interleave_set.h"
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

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kCookie = 0xba90120012b4dc;
constexpr uint64_t kStart = 0x100000000;

Uuid Name(uint8_t n) { return Uuid(Uuid::Bytes{n, 0xaa}); }

// A region over dimms of 256 MiB whose labels the test puts in one by one.
class NamespaceScanTest : public testing::Test {
 protected:
  void MakeRegion(size_t dimms, const LabelVersion& version = LabelV1_2()) {
    region_ = {.name = "region0",
               .start = kStart,
               .cookie = kCookie,
               .alternate_cookie = 0,
               .type_guid = kPmemRangeGuid,
               .mappings = {}};
    for (size_t i = 0; i < dimms; ++i) {
      areas_.push_back(MustInitialise(std::make_shared<MemoryMedia>(65536), version));
      spaces_.emplace_back();
      region_.mappings.push_back({.dimm = "nmem" + std::to_string(i),
                                  .dpa = Range{0, 256 * kMiB},
                                  .labels = &areas_.back(),
                                  .space = &spaces_.back()});
    }
  }

  // A good label of namespace `n` for `dimm`.
  NamespaceLabel Good(uint8_t n, uint64_t dpa, uint64_t rawsize, size_t dimm = 0) {
    return {.uuid = Name(n),
            .name = "ns" + std::to_string(n),
            .nlabel = static_cast<uint16_t>(areas_.size()),
            .position = static_cast<uint16_t>(dimm),
            .isetcookie = kCookie,
            .lbasize = 512,
            .dpa = dpa,
            .rawsize = rawsize,
            .type_guid = kPmemRangeGuid,
            .abstraction_guid = {}};
  }

  uint32_t Put(size_t dimm, const NamespaceLabel& label) {
    EXPECT_TRUE(spaces_[dimm].Reserve({Range{label.dpa, label.rawsize}, label.uuid}).ok());
    return **areas_[dimm].Update(label, {});
  }

  ScanResult Scan() {
    auto result = ScanNamespaces(region_);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : ScanResult{};
  }

  std::string Refusal() {
    const auto result = ScanNamespaces(region_);
    if (result.ok()) return "";
    EXPECT_EQ(ErrnoOf(result.status()), ENODEV);
    return ReasonOf(result.status());
  }

  ScanRegion region_;
  std::deque<LabelArea> areas_;
  std::deque<DpaSpace> spaces_;
};

TEST_F(NamespaceScanTest, NoLabelsNoNamespaces) {
  MakeRegion(1);
  EXPECT_THAT(Scan().namespaces, IsEmpty());
  region_.cookie = 0;  // matters only once there is a label
  EXPECT_THAT(Scan().namespaces, IsEmpty());
  region_.mappings.clear();
  EXPECT_THAT(Scan().namespaces, IsEmpty());
}

// QEMU's slot k has the serial 0x123456 + k; any other serial is named, too.
TEST_F(NamespaceScanTest, AForeignSetIsNamedWithWhatShowsIt) {
  struct Case {
    SetMember member;
    std::string says;
  };
  const Case cases[] = {
      {{.serial = 0x123457, .vendor = 0x8086}, "QEMU's slot 1. "},
      {{.serial = 0x123457, .vendor = 0x8086}, "serial=0x123457"},
      {{.serial = 0x123555, .vendor = 0x8086}, "slot=255;"},
      {{.serial = 0x123556, .vendor = 0x8086}, "open it with serial=0x123556"},
      {{.serial = 0xffffffff, .vendor = 0x8086}, "open it with serial=0xffffffff"},
      {{.serial = 0x123457, .vendor = 0x8087}, "another maker"},
      {{.region_offset = 4096, .serial = 0x123457, .vendor = 0x8086}, "another offset"},
  };
  for (const LabelVersion* version : {&LabelV1_1(), &LabelV1_2()})
    for (const Case& tried : cases) {
      SCOPED_TRACE(tried.says);
      if (version == &LabelV1_1() && tried.member.vendor != 0x8086) continue;
      areas_.clear();
      spaces_.clear();
      MakeRegion(1, *version);
      NamespaceLabel label = Good(1, 0, 16 * kMiB);
      const SetCookies cookies = ComputeSetCookies({&tried.member, 1});
      label.isetcookie = version->CookieOf(cookies);
      Put(0, label);
      const ScanResult result = Scan();
      EXPECT_THAT(result.namespaces, IsEmpty());
      ASSERT_THAT(result.findings, SizeIs(1));
      EXPECT_THAT(result.findings[0].sentence, testing::HasSubstr(tried.says));
    }
  areas_.clear();
  spaces_.clear();
  MakeRegion(1);
  NamespaceLabel label = Good(1, 0, 16 * kMiB);
  label.isetcookie = 7;
  label.nlabel = 3;
  Put(0, label);
  EXPECT_THAT(Scan().findings[0].sentence, testing::HasSubstr("a set of 3 DIMMs"));
}

TEST_F(NamespaceScanTest, FieldsComeFromTheLabel) {
  MakeRegion(1);
  NamespaceLabel label = Good(1, 16 * kMiB, 32 * kMiB);
  label.lbasize = 4096;
  label.abstraction_guid = kPfnGuid;
  const uint32_t slot = Put(0, label);
  const ScanResult result = Scan();
  ASSERT_THAT(result.namespaces, SizeIs(1));
  const ScannedNamespace& ns = result.namespaces[0];
  EXPECT_EQ(ns.uuid, Name(1));
  EXPECT_EQ(ns.name, "ns1");
  EXPECT_EQ(ns.lbasize, 4096u);
  EXPECT_EQ(ns.claim_class, ClaimClass::kPfn);
  EXPECT_EQ(ns.size, 32 * kMiB);
  EXPECT_EQ(ns.spa_start, kStart + 16 * kMiB);
  EXPECT_THAT(ns.slots, ElementsAre(slot));
  EXPECT_THAT(result.findings, IsEmpty());
}

TEST_F(NamespaceScanTest, KernelImagesReadAsTheKernelReadThem) {
  for (bool v1_2 : {true, false}) {
    LabelArea area = v1_2 ? MustOpen(GoldenArea("k12.labels", 131072))
                          : MustOpen(GoldenArea("k11.labels", 1048576));
    const SetCookies cookies =
        ComputeSetCookies({SetMember{.serial = 0x00123456, .vendor = 0x8086}});
    DpaSpace space;
    for (const StoredLabel& stored : area.labels())
      ASSERT_TRUE(
          space.Reserve({Range{stored.label.dpa, stored.label.rawsize}, stored.label.uuid}).ok());
    const ScanRegion region = {.name = "region0",
                               .start = kStart,
                               .cookie = area.version().CookieOf(cookies),
                               .alternate_cookie = cookies.alternate,
                               .type_guid = kPmemRangeGuid,
                               .mappings = {{"nmem0", Range{0, 256 * kMiB}, &area, &space}}};
    const auto result = ScanNamespaces(region);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_THAT(result->findings, IsEmpty());
    std::vector<std::string> names;
    std::vector<uint64_t> starts;
    for (const ScannedNamespace& ns : result->namespaces) {
      names.push_back(ns.name);
      starts.push_back(ns.spa_start);
    }
    if (v1_2) {
      EXPECT_THAT(names, ElementsAre("db", "rawvol", "small", "fsd", "devd"));
      EXPECT_THAT(starts,
                  ElementsAre(0x100000000, 0x104000000, 0x106000000, 0x108000000, 0x10c000000));
      EXPECT_EQ(space.Available(Range{0, 256 * kMiB}, 16 * kMiB), 33554432u);
    } else {
      EXPECT_THAT(names, ElementsAre("old", "tail"));
      EXPECT_THAT(starts, ElementsAre(0x100000000, 0x108000000));
      EXPECT_EQ(space.LargestGap(Range{0, 256 * kMiB}, 16 * kMiB), 100663296u);
    }
  }
}

// The order that numbers namespaces: by the bytes of the little-endian address.
TEST_F(NamespaceScanTest, OrderIsBytewise) {
  MakeRegion(1);
  region_.start = 0;
  Put(0, Good(1, 0x00020000, 4096));
  Put(0, Good(2, 0x01000000, 4096));
  Put(0, Good(3, 0x00001000, 4096));
  std::vector<uint64_t> starts;
  for (const ScannedNamespace& ns : Scan().namespaces) starts.push_back(ns.spa_start);
  EXPECT_THAT(starts, ElementsAre(0x01000000, 0x00020000, 0x00001000));
}

// --- what the kernel takes in its stride ---

struct Odd {
  const char* name;
  void (*change)(NamespaceLabel&);
};

TEST_F(NamespaceScanTest, OddLabelsAreNormalNamespaces) {
  const Odd kOdd[] = {
      {"updating", [](NamespaceLabel& l) { l.flags = kLabelUpdating; }},
      {"read-only", [](NamespaceLabel& l) { l.flags = kLabelReadOnly; }},
      {"unaligned", [](NamespaceLabel& l) { l.dpa = 4096, l.rawsize = 8192; }},
      {"4 MiB", [](NamespaceLabel& l) { l.rawsize = 4 * kMiB; }},
  };
  for (const Odd& odd : kOdd) {
    SCOPED_TRACE(odd.name);
    areas_.clear(), spaces_.clear();
    MakeRegion(1);
    NamespaceLabel label = Good(1, 0, 16 * kMiB);
    odd.change(label);
    Put(0, label);
    EXPECT_THAT(Scan().namespaces, SizeIs(1));
  }
}

TEST_F(NamespaceScanTest, UnknownAbstractionIsAnUnknownClass) {
  MakeRegion(1);
  NamespaceLabel label = Good(1, 0, 16 * kMiB);
  label.abstraction_guid = Name(77);
  Put(0, label);
  EXPECT_EQ(Scan().namespaces.at(0).claim_class, ClaimClass::kUnknown);
}

// --- what is skipped, with a finding ---

TEST_F(NamespaceScanTest, ForeignLabelsAreSkipped) {
  const struct {
    const char* name;
    void (*change)(NamespaceLabel&);
    const char* reason;
  } kSkipped[] = {
      {"beyond", [](NamespaceLabel& l) { l.dpa = 512 * kMiB; }, "labels.outside"},
      {"at the end", [](NamespaceLabel& l) { l.dpa = 256 * kMiB; }, "labels.outside"},
      {"cookie", [](NamespaceLabel& l) { l.isetcookie = 1; }, "labels.cookie"},
      {"no cookie", [](NamespaceLabel& l) { l.isetcookie = 0; }, "labels.cookie"},
  };
  for (const auto& row : kSkipped) {
    SCOPED_TRACE(row.name);
    areas_.clear(), spaces_.clear();
    MakeRegion(1);
    Put(0, Good(1, 32 * kMiB, 16 * kMiB));
    NamespaceLabel label = Good(2, 0, 16 * kMiB);
    row.change(label);
    const uint32_t slot = Put(0, label);
    const ScanResult result = Scan();
    ASSERT_THAT(result.namespaces, SizeIs(1));
    EXPECT_EQ(result.namespaces[0].uuid, Name(1));
    ASSERT_THAT(result.findings, SizeIs(1));
    EXPECT_EQ(result.findings[0].reason, row.reason);
    EXPECT_EQ(result.findings[0].offset, areas_[0].slot_offset(slot));
  }
}

TEST_F(NamespaceScanTest, AlternateCookieIsAccepted) {
  MakeRegion(1);
  NamespaceLabel label = Good(1, 0, 16 * kMiB);
  label.isetcookie = 42;
  Put(0, label);
  region_.alternate_cookie = 42;
  EXPECT_THAT(Scan().namespaces, SizeIs(1));
}

TEST_F(NamespaceScanTest, TypeIsNotComparedInVersion1_1) {
  MakeRegion(1, LabelV1_1());
  Put(0, Good(1, 0, 16 * kMiB));
  ASSERT_THAT(Scan().namespaces, SizeIs(1));
  EXPECT_EQ(Scan().namespaces[0].claim_class, ClaimClass::kNone);
}

// --- what makes the kernel give the region up ---

TEST_F(NamespaceScanTest, OneBadSetHidesTheRegion) {
  const struct {
    const char* name;
    void (*change)(NamespaceLabel&);
    const char* reason;
  } kFatal[] = {
      {"type", [](NamespaceLabel& l) { l.type_guid = Uuid(); }, "labels.missing"},
      {"position", [](NamespaceLabel& l) { l.position = 1; }, "labels.missing"},
      {"nlabel", [](NamespaceLabel& l) { l.nlabel = 2; }, "labels.missing"},
      {"same uuid", [](NamespaceLabel& l) { l.uuid = Name(1); }, "labels.duplicate"},
      {"runs out", [](NamespaceLabel& l) { l.dpa = 255 * kMiB, l.rawsize = 2 * kMiB; },
       "labels.range"},
      {"wraps", [](NamespaceLabel& l) { l.rawsize = UINT64_MAX; }, "labels.range"},
  };
  for (const auto& row : kFatal) {
    SCOPED_TRACE(row.name);
    areas_.clear(), spaces_.clear();
    MakeRegion(1);
    Put(0, Good(1, 32 * kMiB, 16 * kMiB));
    NamespaceLabel label = Good(2, 64 * kMiB, 16 * kMiB);
    row.change(label);
    ASSERT_TRUE(areas_[0].Update(label, {}).ok());
    EXPECT_EQ(Refusal(), row.reason);
  }
}

TEST_F(NamespaceScanTest, CookieZeroIsRefused) {
  MakeRegion(1);
  Put(0, Good(1, 0, 16 * kMiB));
  region_.cookie = 0;
  EXPECT_EQ(Refusal(), "labels.cookie_zero");
}

// --- interleaved sets ---

TEST_F(NamespaceScanTest, SetOfTwo) {
  MakeRegion(2);
  const uint32_t first = Put(0, Good(1, 16 * kMiB, 32 * kMiB, 0));
  Put(1, Good(2, 0, 16 * kMiB, 1));
  const uint32_t second = Put(1, Good(1, 16 * kMiB, 32 * kMiB, 1));
  Put(0, Good(2, 0, 16 * kMiB, 0));
  const ScanResult result = Scan();
  ASSERT_THAT(result.namespaces, SizeIs(2));
  const ScannedNamespace& ns = result.namespaces[1];
  EXPECT_EQ(ns.uuid, Name(1));
  EXPECT_EQ(ns.size, 64 * kMiB);
  EXPECT_EQ(ns.spa_start, kStart + 32 * kMiB);
  EXPECT_THAT(ns.slots, ElementsAre(first, second));
  EXPECT_THAT(result.findings, IsEmpty());
}

TEST_F(NamespaceScanTest, LeaderIsWhoHasPositionZero) {
  MakeRegion(2);
  NamespaceLabel first = Good(1, 0, 16 * kMiB, 1);
  NamespaceLabel second = Good(1, 0, 16 * kMiB, 0);
  first.name = "follower";
  second.name = "leader";
  Put(0, first);
  Put(1, second);
  EXPECT_EQ(Scan().namespaces.at(0).name, "leader");
}

// A resize that was cut between two dimms.
TEST_F(NamespaceScanTest, DifferentSizesAreAddedUp) {
  MakeRegion(2);
  Put(0, Good(1, 0, 32 * kMiB, 0));
  Put(1, Good(1, 0, 16 * kMiB, 1));
  EXPECT_EQ(Scan().namespaces.at(0).size, 48 * kMiB);
}

// A create that was cut between two dimms.
TEST_F(NamespaceScanTest, PartialSetIsRefused) {
  MakeRegion(2);
  Put(0, Good(1, 0, 16 * kMiB, 0));
  EXPECT_EQ(Refusal(), "labels.missing");
}

TEST_F(NamespaceScanTest, PartialSetWithoutMapping0IsAFinding) {
  MakeRegion(2);
  Put(1, Good(1, 0, 16 * kMiB, 1));
  const ScanResult result = Scan();
  EXPECT_THAT(result.namespaces, IsEmpty());
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].reason, "labels.stray");
}

TEST_F(NamespaceScanTest, SamePositionTwiceIsRefused) {
  MakeRegion(2);
  Put(0, Good(1, 0, 16 * kMiB, 0));
  Put(1, Good(1, 0, 16 * kMiB, 0));
  EXPECT_EQ(Refusal(), "labels.missing");
}

TEST_F(NamespaceScanTest, TwoLabelsBeforeThePositionAreRefused) {
  MakeRegion(2);
  Put(0, Good(1, 0, 16 * kMiB, 0));
  Put(1, Good(1, 16 * kMiB, 16 * kMiB, 0));
  Put(1, Good(1, 0, 16 * kMiB, 1));
  EXPECT_EQ(Refusal(), "labels.missing");
}

TEST_F(NamespaceScanTest, ExtentOutsideOnAnotherDimmIsRefused) {
  MakeRegion(2);
  Put(0, Good(1, 0, 16 * kMiB, 0));
  Put(1, Good(1, 300 * kMiB, 16 * kMiB, 1));
  EXPECT_EQ(Refusal(), "labels.range");
}

// The first extent decides, wherever the label puts it: a region may not begin at DPA 0.
TEST_F(NamespaceScanTest, StartIsRelativeToTheMapping) {
  MakeRegion(2);
  for (ScanMapping& mapping : region_.mappings) mapping.dpa = Range{64 * kMiB, 128 * kMiB};
  Put(0, Good(1, 96 * kMiB, 16 * kMiB, 0));
  Put(1, Good(1, 64 * kMiB, 16 * kMiB, 1));
  EXPECT_EQ(Scan().namespaces.at(0).spa_start, kStart + 64 * kMiB);
}

TEST_F(NamespaceScanTest, ManyLabelsTakeNoQuadraticTime) {
  auto media = std::make_shared<MemoryMedia>(8 << 20);
  areas_.push_back(MustInitialise(media, LabelV1_1()));
  LabelArea& area = areas_.back();
  DpaSpace& space = spaces_.emplace_back();
  // Straight onto media: one update each would write the index 60000 times.
  const uint32_t count = area.slot_count();
  for (uint32_t slot = 0; slot < count; ++slot) {
    NamespaceLabel label = Good(1, uint64_t{slot} * 4096, 4096);
    label.uuid = Uuid(Uuid::Bytes{1, static_cast<uint8_t>(slot >> 16),
                                  static_cast<uint8_t>(slot >> 8), static_cast<uint8_t>(slot)});
    const auto bytes = LabelV1_1().Encode(label, slot);
    std::memcpy(media->bytes().data() + area.slot_offset(slot), bytes.data(), bytes.size());
    ASSERT_TRUE(space.Reserve({Range{label.dpa, label.rawsize}, label.uuid}).ok());
  }
  const uint64_t index_size = area.slot_offset(0) / 2;
  std::memset(media->bytes().data() + 72, 0, index_size - 72);
  ResealIndex(media->bytes().data(), index_size);
  const LabelArea full = MustOpen(media);
  ASSERT_THAT(full.labels(), SizeIs(count));
  region_ = {.name = "region0",
             .start = kStart,
             .cookie = kCookie,
             .alternate_cookie = 0,
             .type_guid = kPmemRangeGuid,
             .mappings = {{"nmem0", Range{0, 256 * kMiB}, &full, &space}}};
  EXPECT_THAT(Scan().namespaces, SizeIs(count));
}

}  // namespace
}  // namespace nvdimmfs::core
