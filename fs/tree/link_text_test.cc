// SPDX-License-Identifier: Apache-2.0
#include "fs/tree/link_text.h"

#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

constexpr char kBus[] = "devices/platform/nvdimmfs.0/ndbus0";

TEST(LinkTextTest, ClimbsFromTheBusListToTheDevice) {
  EXPECT_EQ(LinkText("bus/nd/devices/region0", std::string(kBus) + "/region0"),
            "../../../devices/platform/nvdimmfs.0/ndbus0/region0");
}

TEST(LinkTextTest, ClimbsFromADeviceToItsDriver) {
  EXPECT_EQ(LinkText(std::string(kBus) + "/region0/namespace0.0/driver", "bus/nd/drivers/nd_pmem"),
            "../../../../../../bus/nd/drivers/nd_pmem");
}

TEST(LinkTextTest, GoesAboveATargetThatIsItsAncestor) {
  EXPECT_EQ(LinkText(std::string(kBus) + "/nd/ndctl0/device", kBus), "../../../ndbus0");
}

TEST(LinkTextTest, NeedsNoClimbAtTheTop) {
  EXPECT_EQ(LinkText("ndbus0", kBus), kBus);
  EXPECT_EQ(LinkText("sys/bus", "bus"), "../bus");
  EXPECT_EQ(LinkText("dev/by-name/db", "dev/pmem0s"), "../pmem0s");
}

}  // namespace
}  // namespace nvdimmfs::fs
