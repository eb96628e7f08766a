// SPDX-License-Identifier: Apache-2.0
#include "core/labels/interleave_set.h"

#include <vector>

#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

SetMember Member(uint64_t offset, uint32_t serial, uint16_t date = 0, uint8_t location = 0) {
  return {.region_offset = offset,
          .serial = serial,
          .vendor = 0x8086,
          .manufacturing_date = date,
          .manufacturing_location = location};
}

TEST(InterleaveSetTest, OneDimmOfQemu) {
  const SetCookies cookies = ComputeSetCookies({Member(0, 0x00123456)});
  EXPECT_EQ(cookies.v1_1, 0x2468ac00123456u);
  EXPECT_EQ(cookies.v1_2, 0xba90120012b4dcu);
  EXPECT_EQ(cookies.alternate, cookies.v1_1);
}

TEST(InterleaveSetTest, AnotherSerialAnotherCookie) {
  const SetCookies cookies = ComputeSetCookies({Member(0, 0x00123457)});
  EXPECT_EQ(cookies.v1_1, 0x2468ae00123457u);
  EXPECT_EQ(cookies.v1_2, 0xba901c0012b4ddu);
}

TEST(InterleaveSetTest, TwoDimmsInAnyOrder) {
  for (bool swapped : {false, true}) {
    std::vector<SetMember> members = {Member(0, 0x123456), Member(0x1000, 0x123457)};
    if (swapped) std::swap(members[0], members[1]);
    const SetCookies cookies = ComputeSetCookies(members);
    EXPECT_EQ(cookies.v1_1, 0x91e2b2002478adu);
    EXPECT_EQ(cookies.v1_2, 0x2565a7e002579b9u);
  }
}

TEST(InterleaveSetTest, HistoricOrderIsBytewise) {
  const std::vector<SetMember> members = {Member(0, 0x11111111, 0x1834, 0xa2),
                                          Member(0x10000, 0x22222222, 0x1834, 0xa2),
                                          Member(0xff00, 0x33333333, 0x1935, 0xa3)};
  const SetCookies cookies = ComputeSetCookies(members);
  EXPECT_EQ(cookies.v1_1, 0x222e1a2066686566u);
  EXPECT_EQ(cookies.v1_2, 0xa24aefeb006e8dfu);
  EXPECT_EQ(cookies.alternate, 0xdde9d9dc66686566u);
  EXPECT_EQ(SetPositions(members), (std::vector<uint32_t>{0, 2, 1}));
}

TEST(InterleaveSetTest, EmptySetHasCookieZero) {
  EXPECT_EQ(ComputeSetCookies({}).v1_2, 0u);
  EXPECT_TRUE(SetPositions({}).empty());
}

}  // namespace
}  // namespace nvdimmfs::core
