// SPDX-License-Identifier: Apache-2.0
// The sysfs folder of a dax device, bound to each driver that a kernel may have for it.
#include "backends/devdax_mode.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class DevdaxModeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "/dax.XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    root_ = std::filesystem::canonical(path).string();
    std::filesystem::create_directories(root_ + "/devices/dax0.1");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  absl::Status CheckWith(const std::string& driver) {
    std::filesystem::create_directories(root_ + "/drivers/" + driver);
    std::filesystem::remove(root_ + "/devices/dax0.1/driver");
    std::filesystem::create_directory_symlink("../../drivers/" + driver,
                                              root_ + "/devices/dax0.1/driver");
    return CheckDevdaxMode(SysfsFolder(root_ + "/devices/dax0.1"), "/dev/dax0.1");
  }

  std::string root_;
};

TEST_F(DevdaxModeTest, ADeviceInModeDevdaxOrWithoutADriverPasses) {
  EXPECT_TRUE(CheckDevdaxMode(SysfsFolder(root_ + "/devices/dax0.1"), "/dev/dax0.1").ok());
  EXPECT_TRUE(CheckWith("device_dax").ok());
}

TEST_F(DevdaxModeTest, ARefusalSaysWhatToType) {
  const absl::Status famfs = CheckWith("fsdev_dax");
  EXPECT_EQ(core::ErrnoOf(famfs), EBUSY);
  EXPECT_EQ(core::ReasonOf(famfs), "devdax.mode");
  EXPECT_THAT(
      std::string(famfs.message()),
      AllOf(HasSubstr("mode famfs"), EndsWith("daxctl reconfigure-device --mode=devdax dax0.1")));
  const absl::Status memory = CheckWith("kmem");
  EXPECT_EQ(core::ReasonOf(memory), "devdax.mode");
  EXPECT_THAT(std::string(memory.message()),
              AllOf(HasSubstr("mode system-ram"),
                    EndsWith("daxctl reconfigure-device --mode=devdax --force dax0.1")));
}

}  // namespace
}  // namespace nvdimmfs::backends
