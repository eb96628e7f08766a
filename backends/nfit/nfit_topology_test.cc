// SPDX-License-Identifier: Apache-2.0
#include "backends/nfit/nfit_topology.h"

#include <cerrno>

#include "absl/strings/match.h"
#include "backends/nfit/nfit_examples.h"
#include "core/base/status.h"
#include "core/base/uuid.h"
#include "core/labels/label_format.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

NfitTopology Derived(const NfitTable& table) {
  // Through the bytes, so that structures have their offsets.
  const auto topology = DeriveTopology(*ParseNfit(WriteNfit(table)));
  EXPECT_TRUE(topology.ok()) << topology.status();
  return topology.ok() ? *topology : NfitTopology();
}

TEST(NfitTopologyTest, DimmsComeInTheOrderOfTheirHandles) {
  const NfitTopology topology = Derived(SetOf(4));
  ASSERT_EQ(topology.dimms.size(), 4u);
  for (uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(topology.dimms[i].identity.handle, i + 1);
    EXPECT_EQ(topology.dimms[i].identity.phys_id, 0x21 + i);
    EXPECT_EQ(topology.dimms[i].identity.serial, 0xabcd0001 + i);
    EXPECT_EQ(topology.dimms[i].capacity, uint64_t{16} << 20);
    EXPECT_TRUE(topology.dimms[i].mapped);
  }
  EXPECT_EQ(topology.dimms[0].flush_hints, 2);
  EXPECT_EQ(topology.dimms[1].flush_hints, 0);
}

TEST(NfitTopologyTest, MappingsComeInTheOrderOfTheTable) {
  const NfitRegion region = Derived(SetOf(4)).regions[0];
  ASSERT_EQ(region.mappings.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(region.mappings[i].dimm, 3 - i);
    EXPECT_EQ(region.mappings[i].region_offset, i * 4096);
  }
  EXPECT_EQ(region.granularity, 4096u);
}

TEST(NfitTopologyTest, PersistentMemoryHasTheTypeThatLabelsName) {
  EXPECT_EQ(core::Uuid::Parse(kPersistentMemory), core::kPmemRangeGuid);
}

TEST(NfitTopologyTest, RegionsAreMemoryAndDisksInTheOrderOfTheTable) {
  NfitTable table = SetOf(1);
  table.ranges.insert(table.ranges.begin(), {.range_index = 9,
                                             .type_guid = GuidOf(kBlockDataWindow),
                                             .address = 1 << 20,
                                             .length = 1 << 20});
  table.ranges.push_back({.range_index = 0,
                          .type_guid = GuidOf(kPersistentDisk),
                          .address = uint64_t{16} << 30,
                          .length = 1 << 20});
  table.ranges.push_back({.range_index = 0,
                          .type_guid = GuidOf(kPersistentMemory),
                          .address = uint64_t{17} << 30,
                          .length = 1 << 20});
  const NfitTopology topology = Derived(table);
  ASSERT_EQ(topology.regions.size(), 3u);
  EXPECT_EQ(topology.regions[0].range_index, 1);
  EXPECT_FALSE(topology.regions[0].is_volatile);
  EXPECT_TRUE(topology.regions[1].is_volatile);
  EXPECT_EQ(topology.regions[2].range_index, 0);
  EXPECT_TRUE(topology.regions[2].mappings.empty());
  EXPECT_EQ(topology.notes.size(), 2u);  // the block window, and memory without an index
}

TEST(NfitTopologyTest, StripesOfSeveralLinesAreOneGranularity) {
  NfitTable table = SetOf(2, 256);
  table.interleaves[0].line_offsets = {0, 1, 2, 3, 8, 9, 10, 11};
  for (NfitMemoryMap& map : table.maps) map.region_offset *= 4;
  EXPECT_EQ(Derived(table).regions[0].granularity, 1024u);
}

TEST(NfitTopologyTest, WhatIsNoStripingHasNoGranularity) {
  const struct {
    absl::string_view name;
    void (*change)(NfitTable&);
  } kOdd[] = {
      {"LinesInAnotherOrder",
       [](NfitTable& t) {
         std::swap(t.interleaves[0].line_offsets[1], t.interleaves[0].line_offsets[2]);
       }},
      {"NoInterleaveStructure", [](NfitTable& t) { t.interleaves.clear(); }},
      {"NoLines", [](NfitTable& t) { t.interleaves[0].line_offsets.clear(); }},
      {"LinesOfNoSize", [](NfitTable& t) { t.interleaves[0].line_size = 0; }},
      {"NotAPowerOfTwo", [](NfitTable& t) { t.interleaves[0].line_size = 3000; }},
      {"MembersNotOneStripeApart", [](NfitTable& t) { t.maps[1].region_offset += 256; }},
      {"OtherWays", [](NfitTable& t) { t.maps[1].interleave_ways = 3; }},
  };
  for (const auto& row : kOdd) {
    NfitTable table = SetOf(2);
    row.change(table);
    const NfitRegion region = Derived(table).regions[0];
    EXPECT_EQ(region.granularity, 0u) << row.name;
    EXPECT_NE(region.odd_interleave, 0u) << row.name;
  }
}

TEST(NfitTopologyTest, CapabilitiesAreMaskedByTheHighest) {
  const auto domain = [](uint8_t highest, uint32_t bits) {
    NfitTable table = SetOf(1);
    table.capabilities = {{.highest = highest, .capabilities = bits}};
    return Derived(table).persistence_domain;
  };
  EXPECT_EQ(domain(1, 3), core::PersistenceDomain::kCpuCache);
  EXPECT_EQ(domain(0, 3), core::PersistenceDomain::kCpuCache);
  EXPECT_EQ(domain(0, 2), core::PersistenceDomain::kUnknown);
  EXPECT_EQ(domain(1, 2), core::PersistenceDomain::kMemoryController);
  EXPECT_EQ(domain(31, 2), core::PersistenceDomain::kMemoryController);
  EXPECT_EQ(domain(255, 4), core::PersistenceDomain::kUnknown);
}

TEST(NfitTopologyTest, FlagsOfAllMapsAreTheDimms) {
  NfitTable table = SetOf(2);
  table.maps.push_back({.device_handle = 1, .control_index = 1, .state_flags = core::kNotArmed});
  const NfitTopology topology = Derived(table);
  EXPECT_EQ(topology.dimms[0].state_flags, core::kNotArmed);
  EXPECT_EQ(topology.dimms[1].state_flags, 0);
}

TEST(NfitTopologyTest, TheControlRegionWithBlockWindowsIsTheFuller) {
  NfitTable table = SetOf(1);
  table.controls = {{.index = 1, .serial_number = 11},
                    {.index = 2, .serial_number = 22, .windows = 1}};
  table.maps.push_back({.device_handle = 1, .control_index = 2});
  EXPECT_EQ(Derived(table).dimms[0].identity.serial, 22u);
}

TEST(NfitTopologyTest, AManufacturingDateThatIsNotVouchedForIsKeptApart) {
  NfitTable table = SetOf(1);
  table.controls[0].valid_fields = 0;
  const core::DimmIdentity identity = Derived(table).dimms[0].identity;
  EXPECT_FALSE(identity.manufacturing);
  EXPECT_EQ(identity.unvouched.date, 0x2015);
}

const struct {
  absl::string_view name;
  void (*damage)(NfitTable&);
  int error;
  absl::string_view reason;
} kDamage[] = {
    {"ControlRegionMissing", [](NfitTable& t) { t.controls.clear(); }, ENODEV,
     "nfit.control_region"},
    {"VolatileDimmUnknown",
     [](NfitTable& t) {
       t.maps.push_back({.device_handle = 77, .range_index = 2, .region_size = 2 << 20});
     },
     ENODEV, "nfit.dimm"},
    {"RangeWraps", [](NfitTable& t) { t.ranges[0].address = uint64_t{0} - 4096; }, EINVAL,
     "nfit.range"},
    {"RangeLengthHuge", [](NfitTable& t) { t.ranges[0].length = uint64_t{0} - 4096; }, EINVAL,
     "nfit.range"},
    {"RangeEmpty", [](NfitTable& t) { t.ranges[1].length = 0; }, EINVAL, "nfit.range"},
    {"RangeNotPages", [](NfitTable& t) { t.ranges[0].address += 512; }, EINVAL, "nfit.range"},
    {"RangesOverlap", [](NfitTable& t) { t.ranges[1].address = t.ranges[0].address + 4096; },
     EINVAL, "nfit.range"},
    {"IndexTwice", [](NfitTable& t) { t.ranges[1].range_index = 1; }, EINVAL, "nfit.range"},
    {"DpaWraps", [](NfitTable& t) { t.maps[0].dpa = uint64_t{0} - 4096; }, EINVAL, "nfit.range"},
    {"PartsTooSmall", [](NfitTable& t) { t.maps[0].region_size = 4096; }, EINVAL, "nfit.range"},
    {"PartsTooLarge", [](NfitTable& t) { t.maps[0].region_size = uint64_t{1} << 40; }, EINVAL,
     "nfit.range"},
    {"PartEmpty", [](NfitTable& t) { t.maps[0].region_size = 0; }, EINVAL, "nfit.range"},
    {"DimmTwice", [](NfitTable& t) { t.maps[0].device_handle = t.maps[1].device_handle; }, EINVAL,
     "nfit.range"},
    {"DpaShared",
     [](NfitTable& t) {
       t.maps.push_back({.device_handle = 1, .range_index = 2, .region_size = 2 << 20});
     },
     EINVAL, "nfit.range"},
};

TEST(NfitTopologyTest, EveryContradictionIsRefused) {
  for (const auto& row : kDamage) {
    NfitTable table = SetOf(2);
    row.damage(table);
    const absl::Status status = DeriveTopology(*ParseNfit(WriteNfit(table))).status();
    EXPECT_EQ(core::ErrnoOf(status), row.error) << row.name;
    EXPECT_EQ(core::ReasonOf(status), row.reason) << row.name << ": " << status;
  }
}

TEST(NfitTopologyTest, ThirtyTwoMembersAreTheMost) {
  EXPECT_EQ(Derived(SetOf(32)).regions[0].mappings.size(), 32u);
  const absl::Status status = DeriveTopology(*ParseNfit(WriteNfit(SetOf(33)))).status();
  EXPECT_EQ(core::ErrnoOf(status), ENXIO);
  EXPECT_EQ(core::ReasonOf(status), "nfit.mappings");
}

}  // namespace
}  // namespace nvdimmfs::backends
