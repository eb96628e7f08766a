// SPDX-License-Identifier: Apache-2.0
// What a real 6.1 kernel made of info blocks that were edited on purpose: one row per edit, in a 32
// MiB namespace at 4 GiB + 64 MiB, as written: 1.4, mode pmem, data at 2 MiB, align 2 MiB.
#include "core/info_blocks/info_block.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/base/fletcher64.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr Range kSpa{0x104000000, 32 * kMiB};
const Uuid kParent = *Uuid::Parse("11111111-2222-3333-4444-555555555501");
const Uuid kOwn = *Uuid::Parse("11111111-2222-3333-4444-555555555502");

InfoBlock Fresh(bool dax = false) {
  return *MakeInfoBlock(dax, kOwn, kParent, kSpa, InfoBlockMode::kPmem, 2 * kMiB);
}

void Seal(InfoBlock& block) {
  block.checksum = Fletcher64({reinterpret_cast<const std::byte*>(&block), sizeof block},
                              offsetof(InfoBlock, checksum));
}

absl::StatusOr<InfoBlockView> Read(const InfoBlock& block, bool dax = false,
                                   const InfoBlockWish& wish = {}) {
  MemoryMedia media(kSpa.size);
  EXPECT_TRUE(WriteInfoBlock(media, block).ok());
  return ReadInfoBlock(media, dax, kParent, kSpa, wish);
}

struct Row {
  const char* name;
  void (*edit)(InfoBlock&);
  int error_number;     // 0: it is used
  uint64_t capacity;    // bytes, where it is used
  uint64_t align;       // as the device shows it
  uint64_t data_start;  // in the namespace
};

const Row kRows[] = {
    {"as written", [](InfoBlock&) {}, 0, 31457280, 2 * kMiB, 2 * kMiB},
    {"minor 1 and garbage in what it lacks",
     [](InfoBlock& b) {
       b.version_minor = 1;
       b.align = 0x12345;
       b.page_size = 0;
       b.page_struct_size = 0;
     },
     0, 31457280, 2 * kMiB, 2 * kMiB},
    {"major 2", [](InfoBlock& b) { b.version_major = 2; }, 0, 31457280, 2 * kMiB, 2 * kMiB},
    {"another parent", [](InfoBlock& b) { b.parent_uuid[3] ^= 1; }, ENODEV},
    {"another signature", [](InfoBlock& b) { b.signature[0] = 'X'; }, ENODEV},
    {"mode 0", [](InfoBlock& b) { b.mode = 0; }, ENXIO},
    {"mode 3", [](InfoBlock& b) { b.mode = 3; }, ENXIO},
    {"page_size 8192", [](InfoBlock& b) { b.page_size = 8192; }, EOPNOTSUPP},
    {"page_struct_size 32", [](InfoBlock& b) { b.page_struct_size = 32; }, EOPNOTSUPP},
    {"data past the end", [](InfoBlock& b) { b.dataoff = 64 * kMiB; }, EOPNOTSUPP},
    {"data that wraps", [](InfoBlock& b) { b.dataoff = UINT64_MAX - 4095; }, EOPNOTSUPP},
    {"data off its alignment", [](InfoBlock& b) { b.dataoff = 0x201000; }, EOPNOTSUPP},
    {"end_trunc 4096", [](InfoBlock& b) { b.end_trunc = 4096; }, EOPNOTSUPP},
    {"align 0", [](InfoBlock& b) { b.align = 0; }, EOPNOTSUPP},
    {"align 16 MiB, which is in no list",
     [](InfoBlock& b) {
       b.align = 16 * kMiB;
       b.dataoff = 16 * kMiB;
     },
     0, 16777216, 16 * kMiB, 16 * kMiB},
    {"start_pad, end_trunc and data 2 MiB each",
     [](InfoBlock& b) {
       b.start_pad = 2 * kMiB;
       b.end_trunc = 2 * kMiB;
     },
     0, 27262976, 2 * kMiB, 4 * kMiB},
    {"npfns too large", [](InfoBlock& b) { b.npfns = 100000; }, 0, 31457280, 2 * kMiB, 2 * kMiB},
    {"mode ram with data at 8 KiB",
     [](InfoBlock& b) {
       b.mode = 1;
       b.dataoff = 8192;
       b.align = 4096;
     },
     0, 33546240, 4096, 8192},
};

TEST(InfoBlock, IsJudgedAsTheKernelJudgedIt) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    InfoBlock block = Fresh();
    row.edit(block);
    Seal(block);
    const auto view = Read(block);
    EXPECT_EQ(ErrnoOf(view.status()), row.error_number) << view.status();
    if (row.error_number != 0 || !view.ok()) continue;
    const auto data = view->Data(kSpa.size);
    ASSERT_TRUE(data.ok());
    EXPECT_EQ(data->size, row.capacity);
    EXPECT_EQ(data->start, row.data_start);
    EXPECT_EQ(view->align, row.align);
  }
}

TEST(InfoBlock, WithAWrongChecksumIsNone) {
  InfoBlock block = Fresh();
  block.npfns = 1;
  EXPECT_EQ(ReasonOf(Read(block).status()), "info.checksum");
}

TEST(InfoBlock, OfADaxInsistsOnAListedAlignment) {
  InfoBlock block = Fresh(true);
  EXPECT_TRUE(Read(block, true).ok());
  EXPECT_EQ(ErrnoOf(Read(block, false).status()), ENODEV);
  block.align = 16 * kMiB;
  block.dataoff = 16 * kMiB;
  Seal(block);
  EXPECT_EQ(ErrnoOf(Read(block, true).status()), EOPNOTSUPP);
}

TEST(InfoBlock, OfAnotherUuidIsNoneAndOfOtherSettingsIsUnusable) {
  const InfoBlockWish same{true, kOwn, InfoBlockMode::kPmem, 2 * kMiB};
  InfoBlockWish other_uuid = same;
  other_uuid.uuid = kParent;
  InfoBlockWish other_align = same;
  other_align.align = 4096;
  InfoBlockWish other_mode = same;
  other_mode.mode = InfoBlockMode::kRam;
  EXPECT_TRUE(Read(Fresh(), false, same).ok());
  EXPECT_EQ(ErrnoOf(Read(Fresh(), false, other_uuid).status()), ENODEV);
  EXPECT_EQ(ErrnoOf(Read(Fresh(), false, other_align).status()), EOPNOTSUPP);
  EXPECT_EQ(ErrnoOf(Read(Fresh(), false, other_mode).status()), EOPNOTSUPP);
}

TEST(InfoBlock, LeavesTheRoomThatTheKernelLeaves) {
  constexpr uint64_t kGiB = 1024 * kMiB;
  const struct {
    Range spa;
    uint64_t align;
    InfoBlockMode mode;
    uint64_t dataoff;  // 0: refused with ENXIO
    uint64_t end_trunc;
    uint64_t npfns;
  } kTable[] = {
      {{0x106000000, 64 * kMiB}, 4096, InfoBlockMode::kPmem, 0x200000, 0, 15872},
      {{0x106000000, 64 * kMiB}, 2 * kMiB, InfoBlockMode::kRam, 0x200000, 0, 15872},
      {{0x106000000, 64 * kMiB}, kGiB, InfoBlockMode::kPmem, 0, 0, 0},
      {{4 * kGiB, kGiB}, 4096, InfoBlockMode::kPmem, 0x1200000, 0, 257536},
      {{4 * kGiB, kGiB}, 2 * kMiB, InfoBlockMode::kRam, 0x200000, 0, 261632},
      {{4 * kGiB, 3 * kGiB}, 2 * kMiB, InfoBlockMode::kPmem, 0x3200000, 0, 773632},
      {{4 * kGiB, 3 * kGiB}, kGiB, InfoBlockMode::kRam, 0x40000000, 0, 524288},
      {{4 * kGiB, 16 * kGiB}, 2 * kMiB, InfoBlockMode::kPmem, 0x10200000, 0, 4128256},
      {{0x106000000, 126 * kGiB}, 2 * kMiB, InfoBlockMode::kPmem, 0x7e200000, 0, 32513536},
      {{0x106000000, 126 * kGiB}, kGiB, InfoBlockMode::kPmem, 0xba000000, 0x6000000, 32243712},
  };
  for (const auto& row : kTable) {
    const auto block = MakeInfoBlock(false, kOwn, kParent, row.spa, row.mode, row.align);
    if (row.dataoff == 0) {
      EXPECT_EQ(ErrnoOf(block.status()), ENXIO);
      continue;
    }
    ASSERT_TRUE(block.ok());
    EXPECT_EQ(block->dataoff, row.dataoff);
    EXPECT_EQ(block->end_trunc, row.end_trunc);
    EXPECT_EQ(block->npfns, row.npfns);
  }
}

TEST(InfoBlock, NeedsAStartOf2MiBAndAMode) {
  const Range odd{0x104001000, 32 * kMiB};
  EXPECT_EQ(ErrnoOf(MakeInfoBlock(false, kOwn, kParent, odd, InfoBlockMode::kPmem, 4096).status()),
            EINVAL);
  EXPECT_EQ(ErrnoOf(MakeInfoBlock(false, kOwn, kParent, kSpa, InfoBlockMode::kNone, 4096).status()),
            ENXIO);
}

// namespace0.2 of a real kernel: its uuids, its numbers, its checksum.
TEST(InfoBlock, EqualsTheOneThatAKernelWrote) {
  const auto block = MakeInfoBlock(false, *Uuid::Parse("0cfb32f6-562d-46f1-a4c0-937610beaefc"),
                                   *Uuid::Parse("e553a73c-b064-411b-b9a9-5715c06fb7fb"),
                                   {0x106000000, 64 * kMiB}, InfoBlockMode::kPmem, 4096);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->checksum, 0x01f9e854a72a0f96u);
}

TEST(InfoBlock, InATinyNamespaceIsUnreadableNotFatal) {
  MemoryMedia media(4096);
  EXPECT_EQ(ErrnoOf(ReadInfoBlock(media, false, kParent, {0x100000000, 4096}, {}).status()), ENXIO);
}

// A block of a DIMM that QEMU packed, at the address that an image alone has, and the other way.
TEST(InfoBlock, ABlockFitsWhereItsDataIsAligned) {
  constexpr uint64_t kGiB = 1024 * kMiB;
  constexpr uint64_t kSize = 3 * kGiB;
  MemoryMedia media(kSize);
  for (const uint64_t made : {uint64_t{0x106400000}, 4 * kGiB}) {
    const uint64_t other = made == 4 * kGiB ? 0x106400000 : 4 * kGiB;
    const auto block = MakeInfoBlock(true, kOwn, kParent, {made, kSize}, InfoBlockMode::kRam, kGiB);
    ASSERT_TRUE(block.ok()) << block.status();
    ASSERT_TRUE(WriteInfoBlock(media, *block).ok());
    EXPECT_TRUE(ReadInfoBlock(media, true, kParent, {made, kSize}, {}).ok());
    const absl::Status refused = ReadInfoBlock(media, true, kParent, {other, kSize}, {}).status();
    EXPECT_EQ(ErrnoOf(refused), EOPNOTSUPP) << refused;
    EXPECT_EQ(ReasonOf(refused), "info.dataoff.align") << refused;
    EXPECT_EQ(FittingAddress(media, kSize, 4 * kGiB), made);
    EXPECT_EQ(FittingAddress(media, kSize, 4 * kGiB + 1), made == 4 * kGiB ? 5 * kGiB : made);
  }
  EXPECT_EQ(FittingAddress(media, 4096, 4 * kGiB), std::nullopt);
  MemoryMedia blank(32 * kMiB);
  EXPECT_EQ(FittingAddress(blank, 32 * kMiB, 4 * kGiB), std::nullopt);
}

}  // namespace
}  // namespace nvdimmfs::core
