// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "core/base/fletcher64.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"
#include "core/labels/label_test_util.h"
#include "core/labels/label_versions.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

std::string Hex(absl::Span<const std::byte> bytes) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

NamespaceLabel Db() {
  NamespaceLabel label;
  label.uuid = TestUuid("968ed3f7-60a2-49d2-8724-cdb69a6b0ef8");
  label.name = "db";
  label.position = 1;
  label.lbasize = 4096;
  label.dpa = 0x1000000;
  label.rawsize = 0x4000000;
  label.abstraction_guid = kBtt2Guid;
  label.region_uuid = TestUuid("11111111-2222-3333-4444-555555555501");
  return label;
}

RegionLabel Set() {
  return {.uuid = TestUuid("11111111-2222-3333-4444-555555555501"),
          .flags = kLabelUpdating,
          .ways = 4,
          .position = 3,
          .dpa = 0x2000000,
          .rawsize = 0x10000000,
          .hpa = 0x6d0000000,
          .granularity = 1024,
          .align = 1};
}

// Offsets of CXL 2.1, table "Namespace Label Layout"; UUIDs in printed order.
TEST(VersionCxlTest, NamespaceFieldsAreWhereTheSpecificationHasThem) {
  const std::string hex = Hex(LabelV2_1().Encode(Db(), 7));
  ASSERT_EQ(hex.size(), 512u);
  const auto at = [&hex](size_t offset, size_t bytes) { return hex.substr(2 * offset, 2 * bytes); };
  EXPECT_EQ(at(0, 16), "68bb2c0a5a7749379f853caf41a0f93c");
  EXPECT_EQ(at(16, 16), "968ed3f760a249d28724cdb69a6b0ef8");
  EXPECT_EQ(at(32, 4), "64620000");
  EXPECT_EQ(at(96, 8), "0000000001000100");  // flags, nrange, position
  EXPECT_EQ(at(104, 16), "00000001000000000000000400000000");
  EXPECT_EQ(at(120, 8), "0700000000000000");  // slot, align
  EXPECT_EQ(at(128, 16), "11111111222233334444555555555501");
  EXPECT_EQ(at(144, 16), "18633bfc173542178ac917239282d3f8");
  EXPECT_EQ(at(160, 4), "00100000");
}

TEST(VersionCxlTest, RegionFieldsAreWhereTheSpecificationHasThem) {
  const std::string hex = Hex(LabelV2_1().Encode(Set(), 2));
  const auto at = [&hex](size_t offset, size_t bytes) { return hex.substr(2 * offset, 2 * bytes); };
  EXPECT_EQ(at(0, 16), "529d7c61da0747c4a93fecdf2c06f444");
  EXPECT_EQ(at(16, 16), "11111111222233334444555555555501");
  EXPECT_EQ(at(32, 8), "0800000004000300");  // flags, ways, position
  EXPECT_EQ(at(40, 16), "00000002000000000000001000000000");
  EXPECT_EQ(at(56, 8), "000000d006000000");
  EXPECT_EQ(at(64, 12), "020000000200000001000000");  // slot, 256 << 2, align
}

TEST(VersionCxlTest, ReadsWhatItWrites) {
  EXPECT_EQ(std::get<NamespaceLabel>(*LabelV2_1().Parse(LabelV2_1().Encode(Db(), 7), 7)), Db());
  for (uint64_t granularity = 256; granularity <= kMaxLabelGranularity; granularity *= 2) {
    RegionLabel label = Set();
    label.granularity = granularity;
    EXPECT_EQ(std::get<RegionLabel>(*LabelV2_1().Parse(LabelV2_1().Encode(label, 7), 7)), label);
  }
}

TEST(VersionCxlTest, EveryByteIsUnderTheChecksum) {
  for (const auto& good : {LabelV2_1().Encode(Db(), 0), LabelV2_1().Encode(Set(), 0)}) {
    for (size_t at = 16; at < good.size(); ++at) {
      auto bytes = good;
      bytes[at] ^= std::byte{1};
      const std::string reason = ReasonOf(LabelV2_1().Parse(bytes, 0).status());
      EXPECT_TRUE(reason == "label.slot.checksum" || reason == "label.slot.number") << at << reason;
    }
  }
}

TEST(VersionCxlTest, OtherTypesAndSlotsAreRefused) {
  EXPECT_EQ(ReasonOf(LabelV2_1().Parse(LabelV1_2().Encode(Db(), 0), 0).status()),
            "label.slot.type");
  EXPECT_EQ(ReasonOf(LabelV2_1().Parse(LabelV2_1().Encode(Db(), 1), 0).status()),
            "label.slot.number");
  EXPECT_EQ(ReasonOf(LabelV2_1().Parse({}, 0).status()), "label.slot.type");
}

struct Damage {
  const char* what;
  void (*damage)(CxlRegionLabel& label);
};

TEST(VersionCxlTest, ARegionThatCannotBeIsRefused) {
  const Damage kDamages[] = {
      {"no ways", [](CxlRegionLabel& label) { label.nlabel = 0; }},
      {"more ways than anybody", [](CxlRegionLabel& label) { label.nlabel = 33; }},
      {"past the last position", [](CxlRegionLabel& label) { label.position = 4; }},
      {"2 GiB apart", [](CxlRegionLabel& label) { label.granularity = 23; }},
      {"a shift that wraps", [](CxlRegionLabel& label) { label.granularity = 0xffffffff; }},
  };
  for (const Damage& damage : kDamages) {
    auto bytes = LabelV2_1().Encode(Set(), 5);
    CxlRegionLabel layout;
    std::memcpy(static_cast<void*>(&layout), bytes.data(), sizeof layout);
    damage.damage(layout);
    std::memcpy(bytes.data(), &layout, sizeof layout);
    StoreLe(bytes.data() + offsetof(CxlRegionLabel, checksum),
            Fletcher64(bytes, offsetof(CxlRegionLabel, checksum)));
    EXPECT_EQ(ReasonOf(LabelV2_1().Parse(bytes, 5).status()), "label.slot.region") << damage.what;
  }
}

}  // namespace
}  // namespace nvdimmfs::core
