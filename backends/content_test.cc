// SPDX-License-Identifier: Apache-2.0
#include "backends/content.h"

#include <cstring>
#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "core/media/memory_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class ContentTest : public ::testing::Test {
 protected:
  void Put(uint64_t offset, absl::string_view bytes) {
    std::memcpy(store_.bytes().data() + offset, bytes.data(), bytes.size());
  }
  void Little(uint64_t offset, size_t size, uint64_t value) {
    for (size_t i = 0; i < size; ++i)
      store_.bytes()[offset + i] = static_cast<std::byte>(value >> 8 * i);
  }
  void Big(uint64_t offset, size_t size, uint64_t value) {
    for (size_t i = 0; i < size; ++i)
      store_.bytes()[offset + i] = static_cast<std::byte>(value >> 8 * (size - 1 - i));
  }
  void Expect(absl::string_view what, uint64_t end) {
    const auto content = FindContent(store_);
    ASSERT_TRUE(content.has_value());
    EXPECT_TRUE(absl::StrContains(content->what, what)) << content->what;
    EXPECT_EQ(content->end, end);
  }

  core::MemoryMedia store_{4 * kMiB};
};

TEST_F(ContentTest, NothingIsNothing) {
  EXPECT_FALSE(FindContent(store_).has_value());
  core::MemoryMedia tiny(4096);
  EXPECT_FALSE(FindContent(tiny).has_value());
}

TEST_F(ContentTest, Ext) {
  Put(0x438, "\x53\xef");
  Little(0x404, 4, 100);
  Little(0x418, 4, 0);
  Expect("ext4", 100 * 1024);
  Little(0x418, 4, 2);
  Expect("ext4", 100 * 4096);
  Little(0x550, 4, 1);  // counts with the feature 64bit only
  Expect("ext4", 100 * 4096);
  Little(0x460, 4, 0x80);
  Expect("ext4", (100 + (uint64_t{1} << 32)) * 4096);
}

TEST_F(ContentTest, Xfs) {
  Put(0, "XFSB");
  Big(4, 4, 4096);
  Big(8, 8, 77);
  Expect("XFS", 77 * 4096);
}

TEST_F(ContentTest, Btrfs) {
  Put(0x10040, "_BHRfS_M");
  Little(0x10070, 8, 99 * kMiB);  // of all its devices
  Little(0x100d1, 8, 3 * kMiB);
  Expect("btrfs", 3 * kMiB);
}

TEST_F(ContentTest, Squashfs) {
  Put(0, "hsqs");
  Little(40, 8, 12345);
  Expect("squashfs", 12345);
}

TEST_F(ContentTest, PartitionTables) {
  Put(510, "\x55\xaa");
  Little(446 + 4, 1, 0x83);
  Little(446 + 8, 4, 2048);
  Little(446 + 12, 4, 1000);
  Little(446 + 16 + 4, 1, 0x83);
  Little(446 + 16 + 8, 4, 6144);
  Little(446 + 16 + 12, 4, 1);
  Expect("MBR", 6145 * 512);
  // A protective one says nothing, and leaves the word to the GPT.
  Little(446 + 4, 1, 0xee);
  Little(446 + 16 + 4, 1, 0);
  EXPECT_FALSE(FindContent(store_).has_value());
  Put(512, "EFI PART");
  Little(512 + 32, 8, 8191);
  Expect("GUID", 8192 * 512);
}

TEST_F(ContentTest, TheFurthestEndCounts) {
  Put(510, "\x55\xaa");
  Little(446 + 4, 1, 0x83);
  Little(446 + 8, 4, 2048);
  Little(446 + 12, 4, 4096);
  Put(0x438, "\x53\xef");
  Little(0x404, 4, 100);
  Expect("MBR", 6144 * 512);
  Little(0x404, 4, 4096);
  Expect("ext4", 4096 * 1024);
}

TEST_F(ContentTest, BehindAnInfoBlock) {
  Put(4096, "NVDIMM_PFN_INFO");
  Little(4096 + 56, 8, 2 * kMiB);
  Little(4096 + 64, 8, 256);
  Expect("fsdax", 3 * kMiB);
  Put(2 * kMiB, "XFSB");
  Big(2 * kMiB + 4, 4, 4096);
  Big(2 * kMiB + 8, 8, 300);
  Expect("XFS", 2 * kMiB + 300 * 4096);
  Little(4096 + 56, 8, UINT64_MAX - 5);
  Expect("fsdax", Content::kToTheEnd);
}

TEST_F(ContentTest, OthersThatSayTheirSize) {
  Put(4086, "SWAPSPACE2");
  Little(1028, 4, 255);
  Expect("swap", kMiB);
  Put(512, "LABELONE");
  Little(512 + 20, 4, 32);
  Put(512 + 24, "LVM2 001");
  Little(512 + 32 + 32, 8, 2 * kMiB);
  Expect("LVM", 2 * kMiB);
  Put(3, "EXFAT   ");
  Little(72, 8, 5000);
  Little(108, 1, 9);
  Expect("exFAT", 5000 * 512);
  Put(0x8001, "CD001");
  Little(0x8050, 4, 1500);
  Little(0x8080, 2, 2048);
  Expect("ISO", 1500 * 2048);
}

TEST_F(ContentTest, WhatDoesNotSayItsSizeTakesAll) {
  Put(0, "LUKS\xba\xbe");
  Expect("LUKS", Content::kToTheEnd);
}

TEST_F(ContentTest, NoNumberIsTooLarge) {
  Put(0x438, "\x53\xef");
  Little(0x404, 4, UINT32_MAX);
  Little(0x550, 4, UINT32_MAX);
  Little(0x460, 4, 0x80);
  for (const uint64_t shift : {2, 30, 60, 0xffff}) {
    Little(0x418, 4, shift);
    FindContent(store_);
  }
  std::mt19937_64 random(3);
  for (int round = 0; round < 300; ++round) {
    for (int i = 0; i < 3000; ++i)
      store_.bytes()[random() % 0x11000] = static_cast<std::byte>(random() % 2 ? 0xff : random());
    Put(0x438, "\x53\xef");
    Put(510, "\x55\xaa");
    Put(512, random() % 2 ? "EFI PART" : "LABELONE");
    Put(0x8000, "JFS1");
    FindContent(store_);
  }
}

}  // namespace
}  // namespace nvdimmfs::backends
