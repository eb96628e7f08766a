#include "core/labels/namespace_label.h"

#include <cstring>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"
#include "core/labels/label_test_util.h"
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

// Slot 1 of the worked example in label_format.md, from a kernel.
TEST(NamespaceLabelTest, BytesAreTheKernels) {
  const auto bytes = EncodeLabel(MySector(), 1, kLabelSizeV1_1);
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

TEST(NamespaceLabelTest, ReadsWhatItWrites) {
  NamespaceLabel label = MySector();
  label.flags = kLabelUpdating;
  label.nlabel = 4;
  label.position = 3;
  label.dpa = 0x123456789000;
  EXPECT_EQ(*ParseLabel(EncodeLabel(label, 7, 128), 7), label);
  label.type_guid = kPmemRangeGuid;
  label.abstraction_guid = kBtt2Guid;
  EXPECT_EQ(*ParseLabel(EncodeLabel(label, 7, 256), 7), label);
  const auto lossy = ParseLabel(EncodeLabel(label, 7, 128), 7);
  EXPECT_TRUE(lossy->type_guid.is_nil() && lossy->abstraction_guid.is_nil());
}

TEST(NamespaceLabelTest, GuidsAreInGuidOrder) {
  NamespaceLabel label = MySector();
  label.type_guid = kPmemRangeGuid;
  label.abstraction_guid = kBtt2Guid;
  const std::string hex = Hex(EncodeLabel(label, 0, 256));
  EXPECT_EQ(hex.substr(2 * 128, 32), "79d3f066f3b47440ac430d3318b78cdb");
  EXPECT_EQ(hex.substr(2 * 144, 32), "fc3b6318351717428ac917239282d3f8");
}

TEST(NamespaceLabelTest, NameKeepsItsNul) {
  NamespaceLabel label = MySector();
  label.name = std::string(70, 'x');
  EXPECT_EQ(ParseLabel(EncodeLabel(label, 0, 256), 0)->name, std::string(63, 'x'));
  auto bytes = EncodeLabel(label, 0, 128);
  bytes[16 + 63] = std::byte{'y'};  // another writer's full field
  EXPECT_EQ(ParseLabel(bytes, 0)->name, std::string(63, 'x'));
}

TEST(NamespaceLabelTest, WrongSlotIsRefused) {
  EXPECT_EQ(ReasonOf(ParseLabel(EncodeLabel(MySector(), 1, 128), 2).status()), "label.slot.number");
  EXPECT_EQ(ReasonOf(ParseLabel(EncodeLabel(MySector(), 1, 256), 2).status()), "label.slot.number");
}

TEST(NamespaceLabelTest, EveryByteIsUnderTheChecksum) {
  const auto good = EncodeLabel(MySector(), 0, 256);
  for (size_t at = 0; at < good.size(); ++at) {
    if (at >= 120 && at < 124) continue;  // the slot number has its own check
    auto bytes = good;
    bytes[at] ^= std::byte{1};
    EXPECT_EQ(ReasonOf(ParseLabel(bytes, 0).status()), "label.slot.checksum") << at;
  }
}

}  // namespace
}  // namespace nvdimmfs::core
