// SPDX-License-Identifier: Apache-2.0
#include "backends/machine_region.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "core/media/memory_media.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using core::PersistenceDomain;
using core::Range;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kMiB = 1 << 20;

// A region of 16 MiB at 4 GiB, and a device in it over [4 GiB + 2 MiB, 4 GiB + 6 MiB).
class MachineRegionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "/region.XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    root_ = path;
    std::filesystem::create_directories(root_ + "/region0/dax0.0");
    Put("mappings", "1\n");
    Put("resource", "0x100000000\n");
    region_.spa = {(uint64_t{4} << 30) + 2 * kMiB, 4 * kMiB};
    region_.media = std::make_shared<core::MemoryMedia>(4 * kMiB);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Put(const std::string& name, const std::string& text) {
    std::ofstream(root_ + "/region0/" + name) << text;
  }
  void Take() { TakeFromMachine(SysfsFolder(root_ + "/region0/dax0.0"), region_); }

  std::string root_;
  core::RegionSource region_;
};

TEST_F(MachineRegionTest, TakesWhatTheKernelSays) {
  Put("numa_node", "1\n");
  Put("target_node", "3\n");
  Put("persistence_domain", "memory_controller\n");
  Take();
  EXPECT_EQ(region_.numa_node, 1);
  EXPECT_EQ(region_.target_node, 3);
  EXPECT_EQ(region_.persistence_domain, PersistenceDomain::kMemoryController);
  EXPECT_FALSE(region_.read_only);
  EXPECT_THAT(region_.media->BadRanges(), IsEmpty());
}

TEST_F(MachineRegionTest, AReadOnlyRegionIsReadOnly) {
  Put("read_only", "1\n");
  Take();
  EXPECT_TRUE(region_.read_only);
}

TEST_F(MachineRegionTest, BadBlocksCountFromTheDevice) {
  // In sectors of the region: before the device, over its start, inside, over its end, after it.
  Put("badblocks", "0 8\n4090 12\n5000 1\n12287 512\n20000 1\n");
  Take();
  EXPECT_THAT(region_.media->BadRanges(),
              ElementsAre(Range{0, 6 * 512}, Range{904 * 512, 512}, Range{4 * kMiB - 512, 512}));
}

TEST_F(MachineRegionTest, OddBadBlocksArePassedOver) {
  Put("badblocks", "x y\n18446744073709551615 18446744073709551615\n5000 1\n");
  Take();
  EXPECT_THAT(region_.media->BadRanges(), ElementsAre(Range{904 * 512, 512}));
}

TEST_F(MachineRegionTest, OutsideAnyRegionNothingIsTaken) {
  std::filesystem::remove(root_ + "/region0/mappings");
  Put("numa_node", "1\n");
  Take();
  EXPECT_EQ(region_.numa_node, 0);
}

}  // namespace
}  // namespace nvdimmfs::backends
