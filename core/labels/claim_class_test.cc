// SPDX-License-Identifier: Apache-2.0
#include "core/labels/claim_class.h"

#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

TEST(ClaimClassTest, GuidsAreTheSpecifications) {
  EXPECT_EQ(AbstractionGuid(ClaimClass::kBtt).ToString(), "8aed63a2-29a2-4c66-8b12-f05d15d3922a");
  EXPECT_EQ(AbstractionGuid(ClaimClass::kBtt2).ToString(), "18633bfc-1735-4217-8ac9-17239282d3f8");
  EXPECT_EQ(AbstractionGuid(ClaimClass::kPfn).ToString(), "266400ba-fb9f-4677-bcb0-968f11d0d225");
  EXPECT_EQ(AbstractionGuid(ClaimClass::kDax).ToString(), "97a86d9c-3cdd-4eda-986f-5068b4f80088");
  EXPECT_TRUE(AbstractionGuid(ClaimClass::kNone).is_nil());
  EXPECT_TRUE(AbstractionGuid(ClaimClass::kUnknown).is_nil());
}

TEST(ClaimClassTest, EveryClassIsFoundByItsGuid) {
  for (ClaimClass each :
       {ClaimClass::kNone, ClaimClass::kBtt, ClaimClass::kBtt2, ClaimClass::kPfn, ClaimClass::kDax})
    EXPECT_EQ(ClaimClassOf(AbstractionGuid(each)), each);
}

TEST(ClaimClassTest, AnyOtherGuidIsUnknown) {
  EXPECT_EQ(ClaimClassOf(*Uuid::Parse("18633bfc-1735-4217-8ac9-17239282d3f9")),
            ClaimClass::kUnknown);
}

}  // namespace
}  // namespace nvdimmfs::core
