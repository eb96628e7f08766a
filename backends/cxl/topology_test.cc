// SPDX-License-Identifier: Apache-2.0
// A sysfs of two devices interleaved at 256 bytes, as a kernel showed it, and what may be wrong in
// it.
#include "backends/cxl/topology.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends::cxl {
namespace {

using core::Range;
using core::ReasonOf;

class CxlTopologyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "/cxl.XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    root_ = path;
    std::filesystem::create_directories(root_ + "/bus");
    for (const int n : {0, 1}) {
      const std::string decoder = "decoder" + std::to_string(n + 2) + ".0";
      const std::string place = "root0/port1/endpoint" + std::to_string(n + 2);
      const std::string memdev = "pci/mem" + std::to_string(n);
      std::filesystem::create_directories(root_ + "/" + place + "/" + decoder);
      std::filesystem::create_directories(root_ + "/" + memdev);
      std::filesystem::create_directory_symlink(root_ + "/" + memdev,
                                                root_ + "/" + place + "/uport");
      std::filesystem::create_directory_symlink(root_ + "/" + place + "/" + decoder,
                                                root_ + "/bus/" + decoder);
      Put("bus/" + decoder + "/mode", "pmem");
      Put("bus/" + decoder + "/dpa_resource", "0x0");
      Put("bus/" + decoder + "/dpa_size", "0x0000000010000000");
    }
    std::filesystem::create_directories(root_ + "/bus/region0");
    Put("bus/region0/commit", "1");
    Put("bus/region0/resource", "0x6d0000000");
    Put("bus/region0/size", "0x20000000");
    Put("bus/region0/interleave_ways", "2");
    Put("bus/region0/interleave_granularity", "256");
    Put("bus/region0/target0", "decoder3.0");
    Put("bus/region0/target1", "decoder2.0");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Put(const std::string& path, const std::string& text) {
    std::ofstream(root_ + "/" + path) << text << "\n";
  }
  absl::StatusOr<std::vector<Region>> Find() { return FindRegions(SysfsFolder(root_ + "/bus")); }

  std::string root_;
};

TEST_F(CxlTopologyTest, TargetsAreInTheOrderOfAddresses) {
  const auto regions = Find();
  ASSERT_TRUE(regions.ok()) << regions.status();
  ASSERT_EQ(regions->size(), 1u);
  const Region& region = regions->front();
  EXPECT_EQ(region.name, "region0");
  EXPECT_EQ(region.hpa, (Range{0x6d0000000, 0x20000000}));
  EXPECT_EQ(region.granularity, 256u);
  ASSERT_EQ(region.targets.size(), 2u);
  EXPECT_EQ(region.targets[0].memdev, "mem1");
  EXPECT_EQ(region.targets[1].memdev, "mem0");
  EXPECT_EQ(region.targets[1].dpa, (Range{0, 0x10000000}));
}

TEST_F(CxlTopologyTest, DeviceAddressesFindTheirStripe) {
  const Region region = Find()->front();
  EXPECT_EQ(OffsetInRegion(region, 0, 0), 0u);
  EXPECT_EQ(OffsetInRegion(region, 1, 0), 256u);
  EXPECT_EQ(OffsetInRegion(region, 0, 256), 512u);
  EXPECT_EQ(OffsetInRegion(region, 1, 0x10000000 - 1), 0x20000000u - 1);
}

TEST_F(CxlTopologyTest, OnlyCommittedPersistentRegionsCount) {
  Put("bus/region0/commit", "0");
  EXPECT_TRUE(Find()->empty());
  Put("bus/region0/commit", "1");
  Put("bus/decoder2.0/mode", "ram");
  EXPECT_TRUE(Find()->empty());
  EXPECT_TRUE(FindRegions(SysfsFolder(root_ + "/absent"))->empty());
}

TEST_F(CxlTopologyTest, ARegionThatMakesNoSenseIsRefused) {
  const struct {
    const char* attribute;
    const char* text;
  } kDamage[] = {
      {"region0/size", "0x20000001"},
      {"region0/size", "0"},
      {"region0/size", "0xffffffffffffffff"},
      {"region0/interleave_ways", "0"},
      {"region0/interleave_ways", "33"},
      {"region0/interleave_granularity", "0"},
      {"region0/interleave_granularity", "300"},
      {"region0/target1", ""},
      {"region0/target1", "decoder9.0"},
      {"decoder3.0/dpa_size", "0x8000000"},
      {"decoder3.0/dpa_resource", "0xfffffffffffff000"},
  };
  for (const auto& damage : kDamage) {
    const std::string path = std::string("bus/") + damage.attribute;
    const std::string before = *SysfsFolder(root_).Text(path);
    Put(path, damage.text);
    EXPECT_EQ(ReasonOf(Find().status()), "cxl.region") << damage.attribute << " " << damage.text;
    Put(path, before);
  }
  EXPECT_TRUE(Find().ok());
}

TEST_F(CxlTopologyTest, ARegionThatWasTornDownIsToldApart) {
  const SysfsFolder devices(root_ + "/bus");
  const Region region = Find()->front();
  EXPECT_TRUE(CheckCommitted(devices, region).ok());
  Put("bus/region0/resource", "0x700000000");
  EXPECT_EQ(ReasonOf(CheckCommitted(devices, region)), "cxl.region.gone");
  Put("bus/region0/resource", "0x6d0000000");
  Put("bus/region0/commit", "0");
  EXPECT_EQ(ReasonOf(CheckCommitted(devices, region)), "cxl.region.gone");
  std::filesystem::remove_all(root_ + "/bus/region0");
  EXPECT_EQ(ReasonOf(CheckCommitted(devices, region)), "cxl.region.gone");
}

TEST_F(CxlTopologyTest, TheKernelOwnsADeviceWhileItsDriverIsBound) {
  const SysfsFolder memdev(root_ + "/pci/mem0");
  EXPECT_FALSE(KernelOwner(memdev));
  std::filesystem::create_directories(root_ + "/pci/mem0/pmem");  // the partition's attributes
  std::filesystem::create_directories(root_ + "/pci/mem0/pmem0");
  EXPECT_FALSE(KernelOwner(memdev));
  std::filesystem::create_directories(root_ + "/pci/mem0/pmem0/driver");
  EXPECT_EQ(KernelOwner(memdev), "pmem0");
}

}  // namespace
}  // namespace nvdimmfs::backends::cxl
