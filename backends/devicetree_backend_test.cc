// SPDX-License-Identifier: Apache-2.0
#include "backends/devicetree_backend.h"

#include <libfdt.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "core/base/status.h"
#include "core/testing/system_test_util.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using core::Range;

constexpr const char* kTree = "backends/testdata/pmem.dtb";

std::vector<std::byte> Bytes() {
  std::ifstream file(kTree, std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> bytes(text.size());
  for (size_t i = 0; i < text.size(); ++i) bytes[i] = static_cast<std::byte>(text[i]);
  return bytes;
}

// The tree, with its node /pmem@100000000 changed.
std::vector<std::byte> Changed(const std::function<void(void* fdt, int node)>& change) {
  std::vector<std::byte> bytes = Bytes();
  bytes.resize(bytes.size() + 4096);
  EXPECT_EQ(fdt_open_into(bytes.data(), bytes.data(), static_cast<int>(bytes.size())), 0);
  change(bytes.data(), fdt_path_offset(bytes.data(), "/pmem@100000000"));
  return bytes;
}

TEST(DeviceTreeTest, NodesAreFoundWhereAKernelLooks) {
  const auto nodes = FindPmemNodes(Bytes());
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  ASSERT_EQ(nodes->size(), 4u);  // neither the disabled one, nor the one that is on no bus
  EXPECT_EQ((*nodes)[0].device, "100000000.pmem");
  EXPECT_EQ((*nodes)[0].ranges,
            (std::vector<Range>{{0x100000000, 64 << 20}, {0x110000000, 32 << 20}}));
  EXPECT_EQ((*nodes)[0].numa_node, 1);
  EXPECT_FALSE((*nodes)[0].is_volatile);
  EXPECT_EQ((*nodes)[1].device, "200000000.scratch");
  EXPECT_TRUE((*nodes)[1].is_volatile);
  EXPECT_EQ((*nodes)[1].numa_node, -1);
}

TEST(DeviceTreeTest, AddressesOfBusesAreTranslated) {
  const auto nodes = FindPmemNodes(Bytes());
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_EQ((*nodes)[2].device, "401000000.pmem");
  EXPECT_EQ((*nodes)[2].ranges, (std::vector<Range>{{0x401000000, 16 << 20}}));
  EXPECT_EQ((*nodes)[3].path, "/soc@0/bridge@12000000/pmem@12000000");
  EXPECT_EQ((*nodes)[3].ranges, (std::vector<Range>{{0x402000000, 2 << 20}}));
}

const struct {
  absl::string_view name;
  void (*change)(void* fdt, int node);
  absl::string_view in_sentence;
} kDamage[] = {
    {"RegCutShort", [](void* fdt, int node) { fdt_setprop_u32(fdt, node, "reg", 1); }, "entries"},
    {"RegNotPages",
     [](void* fdt, int node) {
       const fdt32_t reg[] = {0, cpu_to_fdt32(512), 0, cpu_to_fdt32(4096)};
       fdt_setprop(fdt, node, "reg", reg, sizeof reg);
     },
     "pages"},
    {"RegEmptyRange",
     [](void* fdt, int node) {
       const fdt32_t reg[4] = {};
       fdt_setprop(fdt, node, "reg", reg, sizeof reg);
     },
     "pages"},
    {"RegWraps",
     [](void* fdt, int node) {
       const fdt32_t reg[] = {0xffffffff, 0, cpu_to_fdt32(1), 0};
       fdt_setprop(fdt, node, "reg", reg, sizeof reg);
     },
     "2^62"},
    {"OverlapsAnother",
     [](void* fdt, int node) {
       const fdt32_t reg[] = {cpu_to_fdt32(2), 0, 0, cpu_to_fdt32(4096)};
       fdt_setprop(fdt, node, "reg", reg, sizeof reg);
     },
     "those of /"},
    {"CellsTooMany", [](void* fdt, int) { fdt_setprop_u32(fdt, 0, "#address-cells", 5); },
     "#address-cells"},
};

TEST(DeviceTreeTest, EveryBadRegIsRefusedWithItsNode) {
  for (const auto& row : kDamage) {
    const absl::Status status = FindPmemNodes(Changed(row.change)).status();
    EXPECT_EQ(core::ErrnoOf(status), EINVAL) << row.name;
    EXPECT_EQ(core::ReasonOf(status), "dtb.reg") << row.name << ": " << status;
    EXPECT_TRUE(absl::StrContains(status.message(), row.in_sentence)) << row.name << ": " << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "offset")) << status;
  }
}

TEST(DeviceTreeTest, WhatIsNoTreeIsRefused) {
  std::vector<std::byte> bytes = Bytes();
  for (const size_t length : {size_t{0}, size_t{3}, size_t{40}, bytes.size() - 1}) {
    const auto cut = absl::MakeConstSpan(bytes).first(length);
    EXPECT_EQ(core::ReasonOf(FindPmemNodes(cut).status()), "dtb.structure") << length;
  }
  bytes[0] ^= std::byte{1};
  EXPECT_EQ(core::ReasonOf(FindPmemNodes(bytes).status()), "dtb.structure");
}

void SetWord(std::vector<std::byte>& bytes, size_t at, uint32_t word) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(word >> (24 - 8 * i));
}

// libfdt 1.6.1 alone never comes back from 0xfffffff4 as the length of the property at 216.
TEST(DeviceTreeTest, NoWordOfTheBlobIsTrusted) {
  const std::vector<std::byte> good = Bytes();
  for (const uint32_t word :
       {0xfffffff4u, 0xffffffffu, 0xfffffffcu, 0x80000000u, 0x7fffffffu, 0x7ffffff4u, 0u, 1u, 2u,
        3u, 4u, 9u, static_cast<uint32_t>(good.size())}) {
    for (size_t at = 0; at + 4 <= good.size(); at += 4) {
      std::vector<std::byte> bytes = good;
      SetWord(bytes, at, word);
      const auto nodes = FindPmemNodes(bytes);
      EXPECT_TRUE(nodes.ok() || core::ErrnoOf(nodes.status()) == EINVAL) << at;
    }
  }
  std::vector<std::byte> bytes = good;
  SetWord(bytes, 216, 0xfffffff4);
  const absl::Status status = FindPmemNodes(bytes).status();
  EXPECT_EQ(core::ReasonOf(status), "dtb.structure");
  EXPECT_TRUE(absl::StrContains(status.message(), "offset 212: a property of 4294967284 bytes"))
      << status;
}

// The blob with a structure block of `words` alone.
std::vector<std::byte> TreeOf(const std::vector<uint32_t>& words, absl::string_view strings = "") {
  constexpr uint32_t kStructure = 56;  // after the header and an empty reservation block
  std::vector<std::byte> bytes(kStructure + 4 * words.size() + strings.size());
  const uint32_t structure_size = static_cast<uint32_t>(4 * words.size());
  const uint32_t header[] = {0xd00dfeed,
                             static_cast<uint32_t>(bytes.size()),
                             kStructure,
                             kStructure + structure_size,
                             40,
                             17,
                             16,
                             0,
                             static_cast<uint32_t>(strings.size()),
                             structure_size};
  for (size_t i = 0; i < std::size(header); ++i) SetWord(bytes, 4 * i, header[i]);
  for (size_t i = 0; i < words.size(); ++i) SetWord(bytes, kStructure + 4 * i, words[i]);
  for (size_t i = 0; i < strings.size(); ++i)
    bytes[kStructure + structure_size + i] = static_cast<std::byte>(strings[i]);
  return bytes;
}

std::string RefusalOf(const std::vector<std::byte>& bytes) {
  return std::string(FindPmemNodes(bytes).status().message());
}

TEST(DeviceTreeTest, TheStructureIsCheckedBeforeItIsWalked) {
  constexpr uint32_t kBegin = 1, kEndNode = 2, kProperty = 3, kEnd = 9, kNoName = 0;
  EXPECT_EQ(RefusalOf(TreeOf({kBegin, kNoName, kEndNode, kEnd})), "");
  const struct {
    std::vector<std::byte> bytes;
    const char* says;
  } kBad[] = {
      {TreeOf({}), "without its end token"},
      {TreeOf({kEnd}), "does not start with a node"},
      {TreeOf({kProperty, 0, 0, kEnd}), "does not start with a node"},
      {TreeOf({kBegin, kNoName, kEnd}), "inside a node"},
      {TreeOf({kBegin, kNoName, kEndNode, kEndNode, kEnd}), "follows the root"},
      {TreeOf({kBegin, kNoName, kEndNode, kBegin, kNoName, kEndNode, kEnd}), "follows the root"},
      {TreeOf({kBegin, kNoName, 5, kEndNode, kEnd}), "0x5 is not a token"},
      {TreeOf({kBegin, 0x61616161}), "name does not end"},
      {TreeOf({kBegin, kNoName, kBegin, kNoName, kEndNode, kEndNode, kEnd}), "has no name"},
      {TreeOf({kBegin, 0x611b6100, kEndNode, kEnd}), "byte 0x1b"},
      {TreeOf({kBegin, kNoName, kProperty, 0, 0, kEndNode, kEnd}), "outside the strings"},
      {TreeOf({kBegin, kNoName, kProperty, 0, 0, kEndNode, kEnd}, "abc"), "name (offset 0"},
      {TreeOf({kBegin, kNoName, kProperty, 0}, "a"), "header does not fit"},
  };
  for (const auto& row : kBad)
    EXPECT_TRUE(absl::StrContains(RefusalOf(row.bytes), row.says))
        << row.says << ": " << RefusalOf(row.bytes);

  std::vector<uint32_t> deep;
  for (int i = 0; i < 10000; ++i) deep.insert(deep.end(), {kBegin, i == 0 ? kNoName : 0x61000000});
  EXPECT_TRUE(absl::StrContains(RefusalOf(TreeOf(deep)), "64 nested nodes"));

  // compatible = "pmem-region", without reg: as many nodes as a blob holds would take for ever.
  std::vector<uint32_t> many = {kBegin, kNoName};
  for (int i = 0; i < 2000; ++i)
    many.insert(many.end(), {kBegin, 0x61000000, kProperty, 12, 0, 0x706d656d, 0x2d726567,
                             0x696f6e00, kEndNode});
  many.insert(many.end(), {kEndNode, kEnd});
  EXPECT_TRUE(absl::StrContains(RefusalOf(TreeOf(many, absl::string_view("compatible", 11))),
                                "more than 1024 nodes"));
}

TEST(DeviceTreeTest, ANodeIsABusAndAnEntryOfRegARegion) {
  auto buses = OpenDeviceTree(kTree, {}, {});
  ASSERT_TRUE(buses.ok()) << buses.status();
  ASSERT_EQ(buses->size(), 4u);
  core::ModelVerbs model;
  model.Start((*buses)[0]);
  ASSERT_TRUE(model.added.ok()) << model.added;
  EXPECT_EQ(model.Get("ndbus0/provider"), "100000000.pmem\n");
  EXPECT_EQ(model.Get("ndbus0/commands"), "\n");
  EXPECT_EQ(model.Get("region1/size"), "33554432\n");
  EXPECT_EQ(model.Get("region1/resource"), "0x110000000\n");
  EXPECT_EQ(model.Get("region0/persistence_domain"), "memory_controller\n");
  EXPECT_EQ(model.Get("region0/mappings"), "0\n");
  EXPECT_EQ(model.Get("region0/numa_node"), "1\n");
  EXPECT_EQ(model.Get("namespace0.0/mode"), "memory\n");
  model.Start((*buses)[1]);
  EXPECT_EQ(model.Get("region0/devtype"), "nd_volatile\n");
  EXPECT_EQ(model.Get("region0/numa_node"), "-1\n");
  EXPECT_EQ(model.Get("region0/target_node"), "!ENOENT");
  EXPECT_EQ(model.Get("namespace0.0/target_node"), "!ENOENT");
}

TEST(DeviceTreeTest, FilesMustBeAsManyAsRegions) {
  EXPECT_EQ(core::ReasonOf(OpenDeviceTree(kTree, {"a"}, {}).status()), "dtb.bytes");
  EXPECT_EQ(core::ErrnoOf(OpenDeviceTree("/no/such", {}, {}).status()), ENOENT);
}

}  // namespace
}  // namespace nvdimmfs::backends
