// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
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

NamespaceLabel MySector() {
  return {.uuid = TestUuid("968ed3f7-60a2-49d2-8724-cdb69a6b0ef8"),
          .name = "mysector",
          .isetcookie = 0x2468ac00123456,
          .lbasize = 4096,
          .dpa = 0,
          .rawsize = 0x4000000,
          .type_guid = {},
          .abstraction_guid = {}};
}

std::string Name(const absl::StatusOr<AnyLabel>& label) {
  return std::get<NamespaceLabel>(*label).name;
}

// Slot 1 of the worked example in label_format.md, from a kernel.
TEST(Version1Test, BytesAreTheKernels) {
  const auto bytes = LabelV1_1().Encode(MySector(), 1);
  ASSERT_EQ(bytes.size(), 128u);
  const std::string hex = Hex(bytes);
  EXPECT_EQ(hex.substr(0, 32), "968ed3f760a249d28724cdb69a6b0ef8");
  EXPECT_EQ(hex.substr(2 * 0x10, 18), "6d79736563746f7200");
  EXPECT_EQ(hex.substr(2 * 0x50, 16), "0000000001000000");
  EXPECT_EQ(hex.substr(2 * 0x58, 16), "56341200ac682400");
  EXPECT_EQ(hex.substr(2 * 0x60, 16), "0010000000000000");
  EXPECT_EQ(hex.substr(2 * 0x68, 16), "0000000000000000");
  EXPECT_EQ(hex.substr(2 * 0x70, 16), "0000000400000000");
  EXPECT_EQ(hex.substr(2 * 0x78, 16), "0100000000000000");
}

TEST(Version1Test, ReadsWhatItWrites) {
  NamespaceLabel label = MySector();
  label.flags = kLabelUpdating;
  label.nlabel = 4;
  label.position = 3;
  label.dpa = 0x123456789000;
  EXPECT_EQ(std::get<NamespaceLabel>(*LabelV1_1().Parse(LabelV1_1().Encode(label, 7), 7)), label);
  label.type_guid = kPmemRangeGuid;
  label.abstraction_guid = kBtt2Guid;
  EXPECT_EQ(std::get<NamespaceLabel>(*LabelV1_2().Parse(LabelV1_2().Encode(label, 7), 7)), label);
  const auto lossy = std::get<NamespaceLabel>(*LabelV1_1().Parse(LabelV1_1().Encode(label, 7), 7));
  EXPECT_TRUE(lossy.type_guid.is_nil() && lossy.abstraction_guid.is_nil());
}

TEST(Version1Test, GuidsAreInGuidOrder) {
  NamespaceLabel label = MySector();
  label.type_guid = kPmemRangeGuid;
  label.abstraction_guid = kBtt2Guid;
  const std::string hex = Hex(LabelV1_2().Encode(label, 0));
  EXPECT_EQ(hex.substr(2 * 128, 32), "79d3f066f3b47440ac430d3318b78cdb");
  EXPECT_EQ(hex.substr(2 * 144, 32), "fc3b6318351717428ac917239282d3f8");
}

TEST(Version1Test, NameKeepsItsNul) {
  NamespaceLabel label = MySector();
  label.name = std::string(70, 'x');
  EXPECT_EQ(Name(LabelV1_2().Parse(LabelV1_2().Encode(label, 0), 0)), std::string(63, 'x'));
  auto bytes = LabelV1_1().Encode(label, 0);
  bytes[16 + 63] = std::byte{'y'};  // another writer's full field
  EXPECT_EQ(Name(LabelV1_1().Parse(bytes, 0)), std::string(63, 'x'));
}

TEST(Version1Test, WrongSlotIsRefused) {
  EXPECT_EQ(ReasonOf(LabelV1_1().Parse(LabelV1_1().Encode(MySector(), 1), 2).status()),
            "label.slot.number");
  EXPECT_EQ(ReasonOf(LabelV1_2().Parse(LabelV1_2().Encode(MySector(), 1), 2).status()),
            "label.slot.number");
}

TEST(Version1Test, EveryByteIsUnderTheChecksum) {
  const auto good = LabelV1_2().Encode(MySector(), 0);
  for (size_t at = 0; at < good.size(); ++at) {
    if (at >= 120 && at < 124) continue;  // the slot number has its own check
    auto bytes = good;
    bytes[at] ^= std::byte{1};
    EXPECT_EQ(ReasonOf(LabelV1_2().Parse(bytes, 0).status()), "label.slot.checksum") << at;
  }
}

// What labels say of their region, as an area of each version is asked.
TEST(LabelVersionsTest, EachVersionHasItsOwnRules) {
  const SetCookies cookies{.v1_1 = 11, .v1_2 = 12, .alternate = 13};
  EXPECT_EQ(LabelV1_1().CookieOf(cookies), 11u);
  EXPECT_EQ(LabelV1_2().CookieOf(cookies), 12u);
  EXPECT_EQ(LabelV2_1().nlabel(4), 1);
  NamespaceLabel label = MySector();
  EXPECT_TRUE(LabelV1_1().IsOfRangeType(label, kPmemRangeGuid));
  EXPECT_FALSE(LabelV1_2().IsOfRangeType(label, kPmemRangeGuid));
  EXPECT_TRUE(LabelV2_1().IsOfSet(label, 0, Uuid()));
  EXPECT_FALSE(LabelV1_2().IsOfSet(label, 0, Uuid()));
}

// An unknown version reads as the known one, claims and carries cookies as a kernel has it for all
// but 1.1, and is not written.
TEST(LabelVersionsTest, AnUnknownVersionIsReadAndNotWritten) {
  for (const LabelVersion* known : LabelVersions()) {
    const LabelVersion& unknown = UnknownLabelVersion(*known);
    EXPECT_FALSE(unknown.is_written());
    EXPECT_EQ(&unknown.as_written(), known);
    EXPECT_EQ(unknown.CookieOf({.v1_1 = 11, .v1_2 = 12, .alternate = 13}), 12u);
    EXPECT_EQ(unknown.btt_class(), ClaimClass::kBtt2);
    const auto bytes = known->Encode(MySector(), 3);
    EXPECT_EQ(*unknown.Parse(bytes, 3), *known->Parse(bytes, 3));
  }
  EXPECT_EQ(FindLabelVersion({1, 3}, 256), nullptr);
  EXPECT_EQ(FindLabelVersion({1, 2}, 128), nullptr);
  EXPECT_EQ(FindLabelVersion({2, 1}, 256), &LabelV2_1());
}

}  // namespace
}  // namespace nvdimmfs::core
