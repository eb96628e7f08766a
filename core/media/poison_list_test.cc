// SPDX-License-Identifier: Apache-2.0
#include "core/media/poison_list.h"

#include <bitset>
#include <random>

#include "core/base/range.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(PoisonListTest, NothingIsBadAtFirst) {
  PoisonList list;
  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(list.Overlaps({0, UINT64_MAX}));
  EXPECT_TRUE(list.CoversWhole({1, 1}));
}

TEST(PoisonListTest, AddWidensToWholeUnits) {
  PoisonList list;
  list.Add({1000, 100});
  EXPECT_THAT(list.ranges(), ElementsAre(Range{512, 1024}));
  EXPECT_TRUE(list.Overlaps({512, 1}));
  EXPECT_TRUE(list.Overlaps({1535, 1}));
  EXPECT_FALSE(list.Overlaps({0, 512}));
  EXPECT_FALSE(list.Overlaps({1536, 512}));
  EXPECT_FALSE(list.Overlaps({600, 0}));
}

TEST(PoisonListTest, AdjacentAndOverlappingRangesMerge) {
  PoisonList list;
  list.Add({0, 512});
  list.Add({1024, 512});
  EXPECT_THAT(list.ranges(), ElementsAre(Range{0, 512}, Range{1024, 512}));
  list.Add({512, 512});
  EXPECT_THAT(list.ranges(), ElementsAre(Range{0, 1536}));
}

TEST(PoisonListTest, ClearNarrowsToWholeUnitsAndSplits) {
  PoisonList list;
  list.Add({0, 5 * 512});
  list.Clear({1000, 1100});  // only units 2 and 3 lie wholly in it
  EXPECT_THAT(list.ranges(), ElementsAre(Range{0, 1024}, Range{2048, 512}));
  list.Clear({0, 4096});
  EXPECT_THAT(list.ranges(), IsEmpty());
  EXPECT_TRUE(list.empty());
}

TEST(PoisonListTest, CoversWholeLooksAtBothEnds) {
  PoisonList list;
  list.Add({512, 1024});
  EXPECT_TRUE(list.CoversWhole({512, 1024}));
  EXPECT_TRUE(list.CoversWhole({512, 512}));
  EXPECT_TRUE(list.CoversWhole({100, 1436}));  // its own partial units are good
  EXPECT_FALSE(list.CoversWhole({513, 1023}));
  EXPECT_FALSE(list.CoversWhole({512, 1000}));
  EXPECT_FALSE(list.CoversWhole({600, 4}));
}

TEST(PoisonListTest, AgreesWithABitmap) {
  constexpr uint64_t kUnits = 64;
  std::mt19937_64 random(7);
  PoisonList list;
  std::bitset<kUnits> model;
  for (int step = 0; step < 20000; ++step) {
    const uint64_t first = random() % kUnits;
    const uint64_t count = random() % (kUnits - first + 1);
    const Range range{first * 512, count * 512};
    switch (random() % 3) {
      case 0:
        if (count < 8) {
          list.Add(range);
          for (uint64_t u = 0; u < count; ++u) model.set(first + u);
        }
        break;
      case 1:
        list.Clear(range);
        for (uint64_t u = 0; u < count; ++u) model.reset(first + u);
        break;
      default: {
        bool any = false;
        for (uint64_t u = 0; u < count; ++u) any |= model[first + u];
        ASSERT_EQ(list.Overlaps(range), any) << step;
      }
    }
    ASSERT_EQ(list.empty(), model.none()) << step;
  }
}

}  // namespace
}  // namespace nvdimmfs::core
