// SPDX-License-Identifier: Apache-2.0
#include "btt/flog.h"

#include <cerrno>
#include <vector>

#include "btt/map_entry.h"
#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

FlogEntry Entry(uint32_t lba, uint32_t old_map, uint32_t new_map, uint32_t seq) {
  FlogEntry entry;
  entry.lba = lba;
  entry.old_map = old_map;
  entry.new_map = new_map;
  entry.seq = seq;
  return entry;
}

std::vector<FlogGroup> InitialLog() {
  std::vector<FlogGroup> groups;
  for (uint32_t lane = 0; lane < kLanes; ++lane) groups.push_back(InitialGroup(lane, 16104));
  return groups;
}

TEST(FlogTest, NewerOfAPairIsTheSuccessorInTheCycle) {
  const struct {
    uint32_t seq0, seq1;
    int newer;
  } kRows[] = {{1, 0, 0}, {1, 2, 1}, {3, 2, 0}, {3, 1, 1},
               {2, 1, 0}, {2, 3, 1}, {1, 3, 0}, {0, 1, 1}};
  for (const auto& row : kRows) {
    const auto newer = NewerOf(row.seq0, row.seq1);
    ASSERT_TRUE(newer.ok()) << row.seq0 << " " << row.seq1;
    EXPECT_EQ(*newer, row.newer) << row.seq0 << " " << row.seq1;
  }
}

TEST(FlogTest, PairsWithoutAnOrderAreRefused) {
  const uint32_t kPairs[][2] = {{1, 1}, {2, 2}, {3, 3}, {0, 0},          {1, 4},
                                {4, 1}, {3, 4}, {0, 4}, {0xffffffff, 2}, {2, 0x80000000}};
  for (const auto& pair : kPairs) {
    const auto newer = NewerOf(pair[0], pair[1]);
    EXPECT_EQ(core::ReasonOf(newer.status()), "btt.flog.seq") << pair[0] << " " << pair[1];
    EXPECT_EQ(core::ErrnoOf(newer.status()), EIO);
  }
}

TEST(FlogTest, SequenceCycles) {
  EXPECT_EQ(NextSeq(1), 2u);
  EXPECT_EQ(NextSeq(2), 3u);
  EXPECT_EQ(NextSeq(3), 1u);
}

TEST(FlogTest, InitialGroupsAreTheKernels) {
  const FlogGroup first = InitialGroup(0, 16104), last = InitialGroup(255, 16104);
  EXPECT_EQ(first.slots[0].lba, 0u);
  EXPECT_EQ(first.slots[0].old_map, 16104u);
  EXPECT_EQ(first.slots[0].new_map, 16104u);
  EXPECT_EQ(first.slots[0].seq, 1u);
  EXPECT_EQ(last.slots[0].lba, 255u);
  EXPECT_EQ(last.slots[0].new_map, 16359u);
}

TEST(FlogTest, AFreshLogHasTheNewPadding) { EXPECT_EQ(*DetectPadding(InitialLog()), kNewPadding); }

TEST(FlogTest, BothPaddingsAreTold) {
  auto groups = InitialLog();
  groups[200].slots[1] = Entry(5, 5, 9, 2);
  EXPECT_EQ(*DetectPadding(groups), kNewPadding);
  groups = InitialLog();
  groups[0].slots[2] = Entry(5, 5, 9, 2);
  groups[9].slots[2] = Entry(6, 6, 10, 2);
  EXPECT_EQ(*DetectPadding(groups), kOldPadding);
}

TEST(FlogTest, MixedPaddingsAreRefused) {
  auto groups = InitialLog();
  groups[3].slots[1] = Entry(5, 5, 9, 2);
  groups[4].slots[2] = Entry(6, 6, 10, 2);
  const auto pair = DetectPadding(groups);
  EXPECT_EQ(core::ReasonOf(pair.status()), "btt.flog.padding");
  EXPECT_EQ(core::ErrnoOf(pair.status()), ENXIO);
}

TEST(FlogTest, OtherSlotsAreRefused) {
  auto groups = InitialLog();
  groups[3].slots[3] = Entry(5, 5, 9, 2);
  EXPECT_FALSE(DetectPadding(groups).ok());
  groups = InitialLog();
  groups[3].slots[1] = Entry(5, 5, 9, 2);
  groups[7].slots[0] = FlogEntry{};
  EXPECT_FALSE(DetectPadding(groups).ok());
}

TEST(FlogTest, ALanesRecordComesWithoutFlags) {
  FlogGroup group = InitialGroup(3, 100);
  group.slots[1] = Entry(7, kMapE | 104, kMapZ | 103, 2);
  const auto record = ReadLane(group, kNewPadding);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->lba, 7u);
  EXPECT_EQ(record->old_block, 104u);
  EXPECT_EQ(record->new_block, 103u);
  EXPECT_TRUE(record->old_had_error);
  EXPECT_EQ(record->newer, 1);
  EXPECT_EQ(record->seq, 2u);
}

TEST(FlogTest, PmdksInitialFlagsAreNoError) {
  FlogGroup group{};
  group.slots[0] = Entry(3, kMapZ | 103, kMapZ | 103, 1);
  const auto record = ReadLane(group, kNewPadding);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->old_block, 103u);
  EXPECT_FALSE(record->old_had_error);
}

TEST(FlogTest, HalfAnEntryIsIgnored) {
  FlogGroup group = InitialGroup(2, 100);
  group.slots[1] = Entry(102, 102, 0, 0);
  const auto record = ReadLane(group, kNewPadding);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->old_block, 102u);  // E + lane, from slot 0
  EXPECT_EQ(record->newer, 0);
}

}  // namespace
}  // namespace nvdimmfs::btt
