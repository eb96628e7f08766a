// SPDX-License-Identifier: Apache-2.0
#include "backends/guest_layout.h"

#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

TEST(AddressLayoutTest, WithoutAWordEachRegionIsAtTheNextGib) {
  const AddressLayout layout;
  EXPECT_EQ(layout.NextAddress(0), 4 * kGiB);
  EXPECT_EQ(layout.NextAddress(4 * kGiB + 1), 5 * kGiB);
}

// Addresses that QEMU 7.2 gives to NVDIMMs of 100 MiB, 256 MiB + 12 KiB and 3 GiB.
TEST(AddressLayoutTest, QemuPacks) {
  const struct {
    const char* machine;
    uint64_t memory;
    uint64_t first;
  } kSeen[] = {
      {"qemu", kGiB, 0x100000000},           {"qemu", 2815 * kMiB, 0x100000000},
      {"qemu", 2816 * kMiB, 0x140000000},    {"qemu", 8 * kGiB, 0x280000000},
      {"qemu", 8200 * kMiB, 0x2c0000000},    {"qemu-pc", 2816 * kMiB, 0x100000000},
      {"qemu-pc", 3583 * kMiB, 0x100000000}, {"qemu-pc", 3584 * kMiB, 0x140000000},
  };
  for (const auto& seen : kSeen) {
    const auto layout = AddressLayout::Of(seen.machine, seen.memory);
    ASSERT_TRUE(layout) << seen.machine;
    const uint64_t second = layout->NextAddress(seen.first + 100 * kMiB);
    EXPECT_EQ(layout->NextAddress(0), seen.first) << seen.machine << " " << seen.memory;
    EXPECT_EQ(second, seen.first + 0x6400000);
    EXPECT_EQ(layout->NextAddress(second + 256 * kMiB + 12288), seen.first + 0x16403000);
  }
}

TEST(AddressLayoutTest, RefusesOtherMachinesAndMemories) {
  EXPECT_FALSE(AddressLayout::Of("virt", kGiB));
  EXPECT_FALSE(IsGuestMemory(0));
  EXPECT_FALSE(IsGuestMemory(kMiB + 4096));
  EXPECT_FALSE(IsGuestMemory(kMostAddress));
  EXPECT_TRUE(IsGuestMemory(8 * kGiB));
}

TEST(AddressLayoutTest, RegionAddresses) {
  EXPECT_TRUE(IsRegionAddress(0x106400000, kGiB));
  EXPECT_FALSE(IsRegionAddress(0x106400001, kGiB));
  EXPECT_FALSE(IsRegionAddress(kMostAddress - 4096, kGiB));
  EXPECT_FALSE(IsRegionAddress(kMostAddress, 0));
}

}  // namespace
}  // namespace nvdimmfs::backends
