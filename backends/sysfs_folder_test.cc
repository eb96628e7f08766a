// SPDX-License-Identifier: Apache-2.0
#include "backends/sysfs_folder.h"

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "backends/posix/descriptor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

class SysfsFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "/sysfs.XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    root_ = std::filesystem::canonical(path).string();
    std::filesystem::create_directories(root_ + "/region0/dax0.0/dax/dax0.0");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Put(const std::string& path, const std::string& text) {
    std::ofstream(root_ + "/" + path) << text;
  }

  std::string root_;
};

TEST_F(SysfsFolderTest, ReadsTextAndNumbers) {
  const SysfsFolder region(root_ + "/region0");
  Put("region0/size", "268435456\n");
  Put("region0/resource", "0x140000000\n");
  Put("region0/numa_node", "-1\n");
  Put("region0/empty", "\n");
  EXPECT_EQ(region.name(), "region0");
  EXPECT_THAT(region.Number("size"), Optional(268435456u));
  EXPECT_THAT(region.Number("resource"), Optional(0x140000000u));
  EXPECT_THAT(region.Signed("numa_node"), Optional(-1));
  EXPECT_THAT(region.Text("empty"), Optional(std::string()));
}

TEST_F(SysfsFolderTest, WhatIsNotThereOrOddIsNothing) {
  const SysfsFolder region(root_ + "/region0");
  Put("region0/size", "many\n");
  Put("region0/resource", "0x11112222333344445\n");
  EXPECT_FALSE(region.Text("absent"));
  EXPECT_FALSE(region.Number("size"));
  EXPECT_FALSE(region.Number("resource"));
  EXPECT_FALSE(region.Number("numa_node"));
  EXPECT_FALSE(region.Signed("size"));
  EXPECT_FALSE(region.Follow("absent"));
  EXPECT_TRUE(SysfsFolder(root_ + "/absent").Names("").empty());
}

TEST_F(SysfsFolderTest, FindsTheFolderAboveThatHasAnAttribute) {
  Put("region0/persistence_domain", "memory_controller\n");
  const SysfsFolder dax(root_ + "/region0/dax0.0/dax/dax0.0");
  const auto region = dax.Holding("persistence_domain");
  ASSERT_TRUE(region);
  EXPECT_EQ(region->path(), root_ + "/region0");
  EXPECT_FALSE(dax.Holding("no_such_attribute_anywhere"));
}

TEST_F(SysfsFolderTest, ListsAndFollows) {
  std::filesystem::create_directory_symlink("region0", root_ + "/link");
  EXPECT_THAT(SysfsFolder(root_).Names(""), ElementsAre("link", "region0"));
  EXPECT_THAT(SysfsFolder(root_).Names("reg"), ElementsAre("region0"));
  EXPECT_EQ(SysfsFolder(root_).Follow("link")->path(), root_ + "/region0");
}

TEST_F(SysfsFolderTest, KnowsTheDeviceOfANode) {
  const posix::Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto folder = SysfsFolder::OfNode(null.get());
  if (!folder) GTEST_SKIP() << "no sysfs here";
  EXPECT_EQ(folder->name(), "null");
  EXPECT_THAT(folder->Text("dev"), Optional(std::string("1:3")));
}

}  // namespace
}  // namespace nvdimmfs::backends
