// SPDX-License-Identifier: Apache-2.0
#include "core/model/name_hash.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> InOrder(std::vector<std::string> names) {
  std::sort(names.begin(), names.end(),
            [](const std::string& a, const std::string& b) { return NameHash(a) < NameHash(b); });
  return names;
}

TEST(NameHashTest, IsTheOffsetThatTheKernelGives) { EXPECT_EQ(NameHash("ndctl0"), 767505574u); }

TEST(NameHashTest, OrdersDimmsAsTheKernelDoes) {
  EXPECT_THAT(InOrder({"nmem0", "nmem1", "nmem2", "nmem3", "nmem4", "nmem5"}),
              ElementsAre("nmem4", "nmem2", "nmem0", "nmem5", "nmem3", "nmem1"));
}

TEST(NameHashTest, OrdersRegionsAsTheKernelDoes) {
  EXPECT_THAT(InOrder({"region0", "region1", "region2", "region3", "region4", "region5"}),
              ElementsAre("region4", "region2", "region0", "region5", "region3", "region1"));
}

TEST(NameHashTest, OrdersNamespacesAsTheKernelDoes) {
  EXPECT_THAT(InOrder({"namespace0.0", "namespace0.1", "namespace0.2", "namespace0.3",
                       "namespace0.4", "namespace0.5"}),
              ElementsAre("namespace0.0", "namespace0.5", "namespace0.3", "namespace0.1",
                          "namespace0.4", "namespace0.2"));
}

TEST(NameHashTest, OrdersDriversAsTheKernelDoes) {
  EXPECT_THAT(InOrder({"nd_bus", "nd_pmem", "nvdimm", "nd_region", "dax_pmem"}),
              ElementsAre("dax_pmem", "nd_region", "nd_pmem", "nd_bus", "nvdimm"));
  EXPECT_THAT(InOrder({"ndctl0", "ndctl1", "ndctl2", "ndctl3"}),
              ElementsAre("ndctl2", "ndctl0", "ndctl3", "ndctl1"));
}

TEST(NameHashTest, LeavesRoomForTheDotsAndTheEnd) {
  for (int i = 0; i < 100000; ++i) {
    const uint32_t hash = NameHash(std::to_string(i));
    ASSERT_GE(hash, kFirstOffset);
    ASSERT_LT(hash, kEndOffset);
  }
  EXPECT_EQ(NameHash(""), kFirstOffset);
}

}  // namespace
}  // namespace nvdimmfs::core
