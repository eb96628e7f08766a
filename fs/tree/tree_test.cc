// SPDX-License-Identifier: Apache-2.0
#include "fs/tree/tree.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/media/memory_media.h"
#include "core/model/name_hash.h"
#include "fs/testing/fake_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr char kBus[] = "devices/platform/nvdimmfs.0/ndbus0";

class TreeTest : public ::testing::Test {
 protected:
  std::shared_ptr<FakeDevice> Region(std::vector<core::Attribute> attributes = {
                                         {.name = "size"}, {.name = "nfit/range_index"}}) {
    return std::make_shared<FakeDevice>("region0", std::move(attributes),
                                        std::vector<std::string>{"firmware", "x"});
  }
  std::shared_ptr<core::DataNode> Data(uint64_t size) {
    return std::make_shared<core::DataNode>(std::make_shared<core::MemoryMedia>(size),
                                            core::DataNode::Options{.name = "pmem0"});
  }
  std::string At(const std::string& below) { return absl::StrCat(kBus, "/", below); }
  bool Exists(const std::string& path) { return tree_.FindPath(path).has_value(); }
  std::string TargetOf(const std::string& path) { return tree_.FindPath(path)->target; }
  std::vector<std::string> Names(const std::string& path) {
    std::vector<std::string> names;
    const auto entries = tree_.List(tree_.FindPath(path)->ino, 0, 100000);
    for (const DirectoryEntry& entry : *entries) names.push_back(entry.name);
    return names;
  }

  Tree tree_;
};

TEST_F(TreeTest, HasItsFixedDirectoriesFromTheStart) {
  for (const char* path : {"bus/nd/devices", "bus/nd/drivers", "class/nd", "block", "dev/by-name",
                           "dev/by-uuid", "sys/dev/char", "sys/dev/block", "devices"})
    EXPECT_TRUE(Exists(path)) << path;
  EXPECT_EQ(TargetOf("sys/bus"), "../bus");
  EXPECT_EQ(TargetOf("sys/class"), "../class");
  EXPECT_EQ(TargetOf("sys/devices"), "../devices");
  EXPECT_EQ(TargetOf("sys/block"), "../block");
}

constexpr core::DeviceKind kBusKind("bus", "busN", core::DeviceKind::Stay::kWithBuses);
constexpr core::DeviceKind kRegionKind("region", "busN/regionR", core::DeviceKind::Stay::kWithBuses,
                                       /*folders_stay=*/false);

TEST_F(TreeTest, NamesLastWhereNothingCanReplaceThem) {
  const auto device = [](const core::DeviceKind& kind) {
    return std::make_shared<FakeDevice>(
        "any", std::vector<core::Attribute>{{.name = "size"}, {.name = "x/create"}},
        std::vector<std::string>{"firmware"}, kind);
  };
  tree_.AddDevice(kBus, device(kBusKind));
  tree_.LinkAdded("ndbus0", kBus);
  tree_.AddDevice(At("region0"), device(kRegionKind));
  tree_.LinkAdded(At("region0/driver"), "bus/nd/drivers/nd_region");
  tree_.AddDevice(At("region0/namespace0.0"), device(kFakeKind));
  tree_.DataAdded("dev/pmem0", Data(4096));
  for (const std::string& path :
       {std::string("bus/nd/devices"), std::string("sys/bus"), std::string("ndbus0"),
        std::string("devices/platform"), std::string(kBus), At("firmware"), At("size"),
        At("region0/size"), At("region0/x"), At("region0/x/create")})
    EXPECT_TRUE(tree_.FindPath(path)->lasts) << path;
  for (const std::string& path :
       {At("region0"), At("region0/driver"), At("region0/namespace0.0"),
        At("region0/namespace0.0/size"), At("region0/namespace0.0/x/create"),
        At("region0/namespace0.0/firmware"), std::string("dev/pmem0")})
    EXPECT_FALSE(tree_.FindPath(path)->lasts) << path;
}

TEST_F(TreeTest, NamesOfBusesThatComeAgainDoNotLast) {
  Tree tree(/*buses_last=*/false);
  const auto device = [](const core::DeviceKind& kind) {
    return std::make_shared<FakeDevice>("any", std::vector<core::Attribute>{{.name = "size"}},
                                        std::vector<std::string>{}, kind);
  };
  tree.AddDevice(kBus, device(kBusKind));
  tree.LinkAdded("ndbus0", kBus);
  tree.AddDevice("bus/nd/drivers/nd_region", device(core::ModelKind::kDriver));
  for (const std::string& path :
       {std::string("ndbus0"), std::string("devices/platform"), std::string(kBus), At("size")})
    EXPECT_FALSE(tree.FindPath(path)->lasts) << path;
  EXPECT_TRUE(tree.FindPath("bus/nd/drivers/nd_region")->lasts);
}

TEST_F(TreeTest, ADeviceBringsItsDirectoriesAndVisibleAttributes) {
  tree_.AddDevice(
      At("region0"),
      Region({{.name = "size"},
              {.name = "resource", .mode = 0400},
              {.name = "hidden", .visible = [](const core::Device&) -> uint16_t { return 0; }},
              {.name = "deep_flush",
               .mode = 0444,
               .visible = [](const core::Device&) -> uint16_t { return 0644; }},
              {.name = "nfit/range_index"}}));
  EXPECT_EQ(tree_.FindPath(At("region0/size"))->mode, 0444);
  EXPECT_EQ(tree_.FindPath(At("region0/resource"))->mode, 0400);
  EXPECT_EQ(tree_.FindPath(At("region0/deep_flush"))->mode, 0644);
  EXPECT_FALSE(Exists(At("region0/hidden")));
  EXPECT_TRUE(Exists(At("region0/nfit/range_index")));
  EXPECT_TRUE(Exists(At("region0/firmware")));
  EXPECT_EQ(tree_.FindPath(At("region0"))->subdirectories, 3u);
}

TEST_F(TreeTest, ADeviceBringsItsLinksAndTakesThemAlong) {
  const auto region = Region();
  region->links_below = {{"subsystem", "bus/nd"}};
  region->links_elsewhere = {{"bus/nd/devices/region0", At("region0")}};
  tree_.AddDevice(kBus, Region());
  ASSERT_TRUE(Exists(kBus));
  const uint64_t before = tree_.node_count();
  tree_.AddDevice(At("region0"), region);
  // Two links, two directories, an attribute in a directory of its own, another one, and the device
  // itself.
  EXPECT_EQ(tree_.node_count(), before + 7);
  EXPECT_EQ(TargetOf("bus/nd/devices/region0"), absl::StrCat("../../../", At("region0")));
  EXPECT_EQ(TargetOf(At("region0/subsystem")), "../../../../../bus/nd");
  EXPECT_EQ(tree_.FindPath(At("region0"))->subdirectories, 3u);
  EXPECT_EQ(tree_.node_count(), before + 8);  // nfit/, too
  tree_.RemoveDevice(At("region0"), region->links());
  EXPECT_FALSE(Exists("bus/nd/devices/region0"));
  EXPECT_EQ(tree_.node_count(), before);
}

TEST_F(TreeTest, ALinkAddedInADevicesDirectoryStaysWhenSomebodyLooks) {
  const auto region = Region();
  region->links_below = {{"subsystem", "bus/nd"}};
  tree_.AddDevice(At("region0"), region);
  tree_.LinkAdded(At("region0/driver"), "bus/nd/drivers/nd_region");
  tree_.AddDevice(At("region0/firmware/child"), Region());
  EXPECT_TRUE(Exists(At("region0/driver")));
  EXPECT_TRUE(Exists(At("region0/subsystem")));
  EXPECT_EQ(tree_.FindPath(At("region0/firmware"))->subdirectories, 1u);
  tree_.RemoveDevice(At("region0/firmware/child"));
  EXPECT_TRUE(Exists(At("region0/firmware"))) << "it is the device's, and not there for the child";
}

TEST_F(TreeTest, LinksGoWithoutAnybodyHavingLooked) {
  tree_.AddDevice(At("region0"), Region());
  tree_.LinkAdded(At("region0/driver"), "bus/nd/drivers/nd_region");
  tree_.LinkAdded("block/pmem0", At("region0"));
  tree_.LinkAdded("block/pmem1", At("region0"));
  const uint64_t count = tree_.node_count();
  tree_.LinkRemoved("block/pmem0");
  EXPECT_EQ(tree_.node_count(), count - 1);
  EXPECT_THAT(Names("block"), ElementsAre("pmem1"));
  tree_.RemoveDevice(At("region0"));
  EXPECT_FALSE(Exists(At("region0/driver")));
  tree_.LinkRemoved("block/pmem1");
  EXPECT_EQ(tree_.node_count(), Tree().node_count());
}

TEST_F(TreeTest, OfALinkAndAFileOfOneNameTheLaterStays) {
  tree_.LinkAdded("dev/pmem0", "dev/other");
  tree_.DataAdded("dev/pmem0", Data(4096));
  tree_.LinkAdded("dev/pmem1", "dev/other");
  EXPECT_EQ(tree_.FindPath("dev/pmem0")->kind, NodeKind::kData);
  EXPECT_EQ(tree_.FindPath("dev/pmem1")->kind, NodeKind::kLink);
  tree_.LinkRemoved("dev/pmem0");
  EXPECT_TRUE(Exists("dev/pmem0"));
}

TEST_F(TreeTest, ADirectoryMadeForALinkAloneGoesWithIt) {
  tree_.LinkAdded("dev/by-path/some/where", "dev/pmem0");
  EXPECT_TRUE(Exists("dev/by-path/some"));
  tree_.LinkRemoved("dev/by-path/some/where");
  EXPECT_FALSE(Exists("dev/by-path"));
}

TEST_F(TreeTest, ClosedItLetsGoOfEverythingAndFollowsNoMore) {
  const auto region = Region();
  const auto data = Data(4096);
  tree_.AddDevice(At("region0"), region);
  tree_.DataAdded("dev/pmem0", data);
  const Ino ino = tree_.FindPath("dev/pmem0")->ino;
  tree_.Close();
  EXPECT_EQ(region.use_count(), 1);
  EXPECT_EQ(data.use_count(), 1);
  EXPECT_FALSE(tree_.Find(ino).has_value());
  EXPECT_FALSE(Exists("dev/pmem0"));
  EXPECT_EQ(tree_.data_bytes(), 0);
  tree_.ChangeAttribute(At("region0/size"));
  tree_.DataRemoved("dev/pmem0");
  tree_.RemoveDevice(At("region0"));
  tree_.LinkAdded("block/pmem0", At("region0"));
  EXPECT_FALSE(Exists("block/pmem0"));
}

TEST_F(TreeTest, ARemovedDeviceTakesEverythingBelowWithIt) {
  tree_.AddDevice(kBus, Region());
  tree_.AddDevice(At("region0"), Region());
  const Ino size = tree_.FindPath(At("region0/size"))->ino;
  tree_.LinkAdded(At("region0/driver"), "bus/nd/drivers/nd_region");
  tree_.RemoveDevice(At("region0"));
  EXPECT_FALSE(Exists(At("region0")));
  EXPECT_FALSE(tree_.Find(size).has_value());
  EXPECT_TRUE(Exists(kBus));
}

TEST_F(TreeTest, InodeNumbersAreNeverUsedAgain) {
  std::vector<Ino> seen;
  for (int i = 0; i < 3; ++i) {
    tree_.AddDevice(At("region0"), Region());
    seen.push_back(tree_.FindPath(At("region0/size"))->ino);
    tree_.RemoveDevice(At("region0"));
  }
  EXPECT_LT(seen[0], seen[1]);
  EXPECT_LT(seen[1], seen[2]);
}

TEST_F(TreeTest, DirectoriesMadeOnDemandGoWhenEmpty) {
  tree_.AddDevice(kBus, Region());
  tree_.AddDevice(At("block/pmem0"), Region());
  EXPECT_TRUE(Exists(At("block")));
  tree_.RemoveDevice(At("block/pmem0"));
  EXPECT_FALSE(Exists(At("block")));
  EXPECT_TRUE(Exists(kBus));
}

TEST_F(TreeTest, ADirectoryMadeOnDemandBecomesTheDevices) {
  tree_.LinkAdded(At("region0/driver"), "bus/nd/drivers/nd_region");
  tree_.AddDevice(At("region0"), Region());
  EXPECT_TRUE(Exists(At("region0/driver")));
  tree_.LinkRemoved(At("region0/driver"));
  EXPECT_TRUE(Exists(At("region0")));
}

TEST_F(TreeTest, AFixedDirectoryOutlivesItsDevice) {
  tree_.AddDevice("bus/nd", Region({{.name = "drivers_autoprobe", .mode = 0644}}));
  EXPECT_TRUE(Exists("bus/nd/drivers_autoprobe"));
  tree_.RemoveDevice("bus/nd");
  EXPECT_FALSE(Exists("bus/nd/drivers_autoprobe"));
  EXPECT_TRUE(Exists("bus/nd/devices"));
}

TEST_F(TreeTest, LinksAreRelative) {
  tree_.LinkAdded("ndbus0", kBus);
  tree_.LinkAdded(At("region0/driver"), "bus/nd/drivers/nd_region");
  EXPECT_EQ(TargetOf("ndbus0"), kBus);
  EXPECT_EQ(TargetOf(At("region0/driver")), "../../../../../bus/nd/drivers/nd_region");
}

TEST_F(TreeTest, AddingALinkAgainReplacesIt) {
  tree_.LinkAdded("dev/by-name/db", "dev/pmem0");
  tree_.LinkAdded("dev/by-name/db", "dev/pmem1");
  EXPECT_EQ(TargetOf("dev/by-name/db"), "../pmem1");
}

TEST_F(TreeTest, DataFilesAreToldOfWhenTheyGo) {
  std::vector<Ino> gone;
  tree_.set_data_removed([&](Ino ino) { gone.push_back(ino); });
  tree_.DataAdded("dev/pmem0", Data(8192));
  const Ino ino = tree_.FindPath("dev/pmem0")->ino;
  EXPECT_EQ(tree_.data_bytes(), 8192u);
  tree_.DataRemoved("dev/pmem0");
  EXPECT_THAT(gone, ElementsAre(ino));
  EXPECT_EQ(tree_.data_bytes(), 0u);
  EXPECT_FALSE(Exists("dev/pmem0"));
  EXPECT_TRUE(Exists("dev/by-name"));
}

TEST_F(TreeTest, DataFilesAreToldOfWhenTheirBytesChangeByThemselves) {
  std::vector<Ino> told;
  tree_.set_data_removed([&](Ino ino) { told.push_back(ino); });
  tree_.DataAdded("dev/pmem0", Data(8192));
  tree_.DataChanged("dev/pmem0");
  tree_.DataChanged("dev/pmem1");
  EXPECT_THAT(told, ElementsAre(tree_.FindPath("dev/pmem0")->ino));
}

TEST_F(TreeTest, ListsInTheKernelsOrder) {
  for (const char* name : {"nmem0", "nmem1", "nmem2", "nmem3", "nmem4", "nmem5"})
    tree_.LinkAdded(absl::StrCat("bus/nd/devices/", name), At(name));
  EXPECT_THAT(Names("bus/nd/devices"),
              ElementsAre("nmem4", "nmem2", "nmem0", "nmem5", "nmem3", "nmem1"));
}

TEST_F(TreeTest, ListingGoesOnWhereItStoppedWhateverComesAndGoes) {
  for (int i = 0; i < 100; ++i) tree_.LinkAdded(absl::StrCat("block/b", i), "dev");
  const Ino block = tree_.FindPath("block")->ino;
  std::vector<std::string> seen;
  uint64_t offset = 0;
  for (int round = 0; offset != core::kEndOffset; ++round) {
    const auto entries = *tree_.List(block, offset, 7);
    for (const auto& entry : entries)
      if (entry.name[0] == 'b') seen.push_back(entry.name);
    offset = entries.empty() ? core::kEndOffset : entries.back().next_offset;
    tree_.LinkAdded(absl::StrCat("block/new", round), "dev");
    tree_.LinkRemoved(absl::StrCat("block/", entries[0].name));
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end()) << "an entry came twice";
  EXPECT_EQ(seen.size(), 100u);
}

TEST_F(TreeTest, KnowsPathsAndParents) {
  tree_.AddDevice(At("region0"), Region());
  const NodeView size = *tree_.FindPath(At("region0/size"));
  EXPECT_THAT(tree_.PathOf(size.ino), Optional(At("region0/size")));
  EXPECT_THAT(tree_.ParentOf(size.ino), Optional(tree_.FindPath(At("region0"))->ino));
  EXPECT_THAT(tree_.ParentOf(kRootIno), Optional(kRootIno));
  EXPECT_EQ(tree_.Lookup(kRootIno, "bus")->ino, tree_.FindPath("bus")->ino);
  EXPECT_FALSE(tree_.Lookup(size.ino, "x").has_value());
}

TEST_F(TreeTest, CountsChangesOfAttributes) {
  tree_.AddDevice(At("region0"), Region());
  const Ino size = tree_.FindPath(At("region0/size"))->ino;
  const uint64_t before = tree_.changes().Count(size);
  tree_.ChangeAttribute(At("region0/size"));
  EXPECT_EQ(tree_.changes().Count(size), before + 1);
  tree_.ChangeAttribute(At("region0/none"));
}

TEST_F(TreeTest, StaysFastWithManyNodes) {
  constexpr int kMany = 5000;
  for (int i = 0; i < kMany; ++i) {
    const std::string name = absl::StrCat("namespace0.", i);
    tree_.AddDevice(At(absl::StrCat("region0/", name)), Region());
    tree_.LinkAdded(absl::StrCat("bus/nd/devices/", name), At(absl::StrCat("region0/", name)));
  }
  EXPECT_EQ(Names("bus/nd/devices").size(), static_cast<size_t>(kMany));
  for (int i = 0; i < kMany; ++i) {
    const std::string name = absl::StrCat("namespace0.", i);
    tree_.LinkRemoved(absl::StrCat("bus/nd/devices/", name));
    tree_.RemoveDevice(At(absl::StrCat("region0/", name)));
  }
  EXPECT_TRUE(Names("bus/nd/devices").empty());
}

}  // namespace
}  // namespace nvdimmfs::fs
