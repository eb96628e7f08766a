// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_geometry.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

struct Row {
  uint64_t area;
  uint32_t label_size;
  uint64_t index_size;
  uint32_t slots;
  uint64_t labels_at;
};

// label_format.md, "Geometry".
constexpr Row kRows[] = {
    {768, 128, 0x100, 2, 0x200},          {1024, 128, 0x100, 4, 0x200},
    {1024, 256, 0x100, 2, 0x200},         {2048, 128, 0x100, 12, 0x200},
    {2048, 256, 0x100, 6, 0x200},         {4096, 128, 0x100, 28, 0x200},
    {4096, 256, 0x100, 14, 0x200},        {65536, 128, 0x100, 508, 0x200},
    {65536, 256, 0x100, 254, 0x200},      {131072, 128, 0x100, 1020, 0x200},
    {131072, 256, 0x100, 510, 0x200},     {188544, 128, 0x100, 1465, 0x200},
    {262144, 128, 0x200, 2040, 0x400},    {262144, 256, 0x100, 1022, 0x200},
    {1048576, 128, 0x500, 8172, 0xa00},   {1048576, 256, 0x300, 4090, 0x600},
    {2097152, 128, 0x900, 16348, 0x1200}, {2097152, 256, 0x500, 8182, 0xa00},
};

TEST(LabelGeometryTest, FollowsFromAreaAndLabelSize) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(testing::Message() << row.area << " / " << row.label_size);
    const auto geometry = LabelGeometry::For(row.area, row.label_size);
    ASSERT_TRUE(geometry.has_value());
    EXPECT_EQ(geometry->index_size, row.index_size);
    EXPECT_EQ(geometry->slot_count, row.slots);
    EXPECT_EQ(geometry->label_offset(), row.labels_at);
    EXPECT_EQ(geometry->slot_offset(1), row.labels_at + row.label_size);
    EXPECT_EQ(geometry->index_offset(1), row.index_size);
  }
}

TEST(LabelGeometryTest, TooSmallOrTooLargeIsRefused) {
  EXPECT_FALSE(LabelGeometry::For(0, 128).has_value());
  EXPECT_FALSE(LabelGeometry::For(767, 128).has_value());
  EXPECT_FALSE(LabelGeometry::For(1023, 256).has_value());
  EXPECT_TRUE(LabelGeometry::For(0xffffffff, 128).has_value());
  EXPECT_FALSE(LabelGeometry::For(0x100000000, 128).has_value());
  EXPECT_FALSE(LabelGeometry::For(UINT64_MAX, 256).has_value());
}

TEST(LabelGeometryTest, BitmapAndSlotsAlwaysFit) {
  for (uint64_t area = 768; area < 400000; area += 41) {
    for (uint32_t label_size : {128u, 256u}) {
      const auto geometry = LabelGeometry::For(area, label_size);
      if (!geometry) continue;
      ASSERT_LE(geometry->slot_offset(geometry->slot_count), area);
      ASSERT_LE(geometry->slot_count, geometry->bitmap_size() * 8);
    }
  }
}

}  // namespace
}  // namespace nvdimmfs::core
