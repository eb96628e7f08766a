// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_index.h"

#include <cstring>
#include <vector>

#include "core/base/fletcher64.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"
#include "core/labels/label_versions.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

LabelGeometry Geometry(uint64_t area, uint32_t label_size) {
  return *LabelGeometry::For(area, label_size);
}

std::vector<std::byte> FreshBlock(const LabelGeometry& geometry, int position) {
  LabelIndex index = LabelIndex::Fresh(geometry, GeneralLabelVersion(geometry.label_size));
  index.set_sequence(position == 0 ? 3 : 2);
  return index.Encode(geometry, position);
}

uint64_t ChecksumOf(const std::vector<std::byte>& block) {
  return LoadLe<uint64_t>(block.data() + offsetof(IndexBlock, checksum));
}

// Changes the head of a block through `change` and gives it a good checksum.
template <typename Change>
std::vector<std::byte> Altered(std::vector<std::byte> block, Change change) {
  IndexBlock head;
  std::memcpy(static_cast<void*>(&head), block.data(), sizeof head);
  change(head);
  std::memcpy(block.data(), &head, sizeof head);
  StoreLe(block.data() + offsetof(IndexBlock, checksum),
          Fletcher64(block, offsetof(IndexBlock, checksum)));
  return block;
}

// Checksums that ndctl wrote and that follow for the kernel's padding (area of 131072 bytes).
TEST(LabelIndexTest, FreshBlocksAreTheKernels) {
  const LabelGeometry v1_1 = Geometry(131072, 128);
  EXPECT_EQ(ChecksumOf(FreshBlock(v1_1, 0)), 0xdb634621e7313e0a);
  EXPECT_EQ(ChecksumOf(FreshBlock(v1_1, 1)), 0xdb6349e6e7313e09);
  const LabelGeometry v1_2 = Geometry(131072, 256);
  EXPECT_EQ(ChecksumOf(FreshBlock(v1_2, 0)), 0xe793e3ed18323c1c);
  EXPECT_EQ(ChecksumOf(FreshBlock(v1_2, 1)), 0xe793e7b218323c1b);
}

TEST(LabelIndexTest, ReadsWhatItWrites) {
  for (uint32_t label_size : {128u, 256u}) {
    for (int position : {0, 1}) {
      const LabelGeometry geometry = Geometry(131072, label_size);
      LabelIndex index = LabelIndex::Fresh(geometry, GeneralLabelVersion(geometry.label_size));
      index.set_sequence(2);
      index.SetFree(7, false);
      index.SetFree(geometry.slot_count - 1, false);
      const auto block = index.Encode(geometry, position);
      const auto parsed = LabelIndex::Parse(block, geometry, position);
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      EXPECT_EQ(parsed->sequence(), 2u);
      EXPECT_EQ(parsed->CountFree(), geometry.slot_count - 2);
      EXPECT_EQ(parsed->NextUsed(0), 7u);
      EXPECT_EQ(parsed->NextUsed(8), geometry.slot_count - 1);
      EXPECT_EQ(parsed->Encode(geometry, position), block);
    }
  }
}

const struct {
  const char* name;
  void (*damage)(IndexBlock&);
  const char* reason;  // "" where the block stays valid
} kDamage[] = {
    {"Signature", [](IndexBlock& b) { b.signature[0] ^= 1; }, "label.index.signature"},
    {"SignatureNul", [](IndexBlock& b) { b.signature[15] = ' '; }, "label.index.signature"},
    {"LabelSizeOther", [](IndexBlock& b) { b.label_size = 0; }, "label.index.label_size"},
    {"LabelSizeTwo", [](IndexBlock& b) { b.label_size = 2; }, "label.index.label_size"},
    {"LabelSizeHuge", [](IndexBlock& b) { b.label_size = 255; }, "label.index.label_size"},
    {"OldVersion", [](IndexBlock& b) { b.minor = 1; }, "label.index.label_size"},
    {"SequenceZero", [](IndexBlock& b) { b.sequence = 0; }, "label.index.sequence"},
    {"SequenceHighBitsOnly", [](IndexBlock& b) { b.sequence = 4; }, "label.index.sequence"},
    {"SequenceHighBits", [](IndexBlock& b) { b.sequence = 7; }, ""},
    {"Elsewhere", [](IndexBlock& b) { b.my_offset = 512; }, "label.index.my_offset"},
    {"TwinElsewhere", [](IndexBlock& b) { b.other_offset = 512; }, "label.index.other_offset"},
    {"LabelsElsewhere", [](IndexBlock& b) { b.label_offset = 768; }, "label.index.label_offset"},
    {"SizeBelowHead", [](IndexBlock& b) { b.my_size = 71; }, "label.index.my_size"},
    {"SizeOfHead", [](IndexBlock& b) { b.my_size = 72; }, ""},
    {"SizeAbove", [](IndexBlock& b) { b.my_size = 257; }, "label.index.my_size"},
    {"SizeHuge", [](IndexBlock& b) { b.my_size = UINT64_MAX; }, "label.index.my_size"},
    {"OneSlotTooMany", [](IndexBlock& b) { b.slot_count = 511; }, "label.index.slot_count"},
    {"SlotsWrap", [](IndexBlock& b) { b.slot_count = 0xffffffff; }, "label.index.slot_count"},
    {"FewerSlots", [](IndexBlock& b) { b.slot_count = 10; }, ""},
    {"TwoSlots", [](IndexBlock& b) { b.slot_count = 2; }, ""},
    {"NoSlots", [](IndexBlock& b) { b.slot_count = 0; }, ""},
    {"Flags",
     [](IndexBlock& b) {
       b.flags = {0xff, 0xff, 0xff};
     },
     ""},
    {"CxlVersion", [](IndexBlock& b) { b.major = 2, b.minor = 1; }, ""},
};

TEST(LabelIndexTest, EachFieldHasItsCheck) {
  const LabelGeometry geometry = Geometry(131072, 256);
  for (const auto& row : kDamage) {
    SCOPED_TRACE(row.name);
    const auto block = Altered(FreshBlock(geometry, 1), row.damage);
    // Position 1 for the sake of my_offset = 512; its checks are those of position 0.
    EXPECT_EQ(ReasonOf(LabelIndex::Parse(block, geometry, 1).status()), row.reason);
  }
}

TEST(LabelIndexTest, BeforeVersion1_2TheLabelSizeByteIsIgnored) {
  const LabelGeometry geometry = Geometry(131072, 128);
  const auto block = Altered(FreshBlock(geometry, 0), [](IndexBlock& b) { b.label_size = 9; });
  EXPECT_TRUE(LabelIndex::Parse(block, geometry, 0).ok());
  const auto newer = Altered(FreshBlock(geometry, 0), [](IndexBlock& b) { b.minor = 2; });
  EXPECT_TRUE(LabelIndex::Parse(newer, geometry, 0).ok());
}

TEST(LabelIndexTest, EveryByteIsUnderTheChecksum) {
  const LabelGeometry geometry = Geometry(1024, 128);
  for (size_t at = 0; at < geometry.index_size; ++at) {
    auto block = FreshBlock(geometry, 0);
    block[at] ^= std::byte{0x10};
    EXPECT_FALSE(LabelIndex::Parse(block, geometry, 0).ok()) << at;
  }
}

TEST(LabelIndexTest, BitmapMayNotRunIntoTheTwin) {
  // Here the slots that fit after small index blocks need larger ones.
  const LabelGeometry geometry = Geometry(189440, 128);
  ASSERT_EQ(geometry.slot_count, 1472u);
  const auto block = Altered(FreshBlock(geometry, 0), [](IndexBlock& b) { b.slot_count = 1476; });
  EXPECT_EQ(ReasonOf(LabelIndex::Parse(block, geometry, 0).status()), "label.index.slot_count");
}

TEST(LabelIndexTest, PaddingIsIgnoredAndCarriedForward) {
  const LabelGeometry geometry = Geometry(131072, 128);  // 1020 slots
  auto block = FreshBlock(geometry, 0);
  std::byte& last = block[sizeof(IndexBlock) + 1020 / 8];
  EXPECT_EQ(last, std::byte{0x0f});
  last = std::byte{0xff};
  block = Altered(block, [](IndexBlock&) {});
  EXPECT_EQ(ChecksumOf(block), 0xeb634621d7313e0a);  // ndctl 76
  auto index = LabelIndex::Parse(block, geometry, 0);
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(index->CountFree(), 1020u);
  for (uint32_t slot = 0; slot < 1020; ++slot) index->SetFree(slot, false);
  EXPECT_EQ(index->LowestFree(), std::nullopt);
  index->SetAllFree();
  EXPECT_EQ(index->Encode(geometry, 0), block);
}

TEST(LabelIndexTest, NewerIsSuccessorInCycleAndOfEqualsTheSecond) {
  const int kNewer[3][3] = {{1, 1, 0}, {0, 1, 1}, {1, 0, 1}};
  for (uint32_t a = 1; a <= 3; ++a) {
    for (uint32_t b = 1; b <= 3; ++b) EXPECT_EQ(NewerIndex(a, b), kNewer[a - 1][b - 1]);
  }
}

}  // namespace
}  // namespace nvdimmfs::core
