// SPDX-License-Identifier: Apache-2.0
#include "core/media/media_slice.h"

#include <array>
#include <cerrno>

#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

TEST(MediaSliceTest, WordsOfAWindowThatBeginsOffAWordAreStored) {
  const std::shared_ptr<Media> parent = *MemoryMedia::Make(4096);
  const std::shared_ptr<Media> window = *MediaSlice::Make(parent, {130, 1024});
  ASSERT_TRUE(window->Store32(4, 0x04030201).ok());
  ASSERT_TRUE(window->Store64(8, 0x0807060504030201).ok());
  ASSERT_TRUE(window->StoreThrough32(16, 0x04030201).ok());
  ASSERT_TRUE(window->StoreThrough64(24, 0x0807060504030201).ok());
  std::array<std::byte, 40> bytes;
  ASSERT_TRUE(parent->Read(130, absl::MakeSpan(bytes)).ok());
  for (const auto& [at, size] : {std::pair{4, 4}, {8, 8}, {16, 4}, {24, 8}})
    for (int i = 0; i < size; ++i) EXPECT_EQ(bytes[at + i], std::byte(i + 1)) << at << "+" << i;
  EXPECT_EQ(bytes[20], std::byte{0});
  EXPECT_EQ(bytes[32], std::byte{0});
}

TEST(MediaSliceTest, WordsOffTheirWindowsAlignmentAreRefused) {
  const std::shared_ptr<Media> parent = *MemoryMedia::Make(4096);
  EXPECT_EQ(ErrnoOf((*MediaSlice::Make(parent, {130, 1024}))->Store32(3, 1)), EIO);
  EXPECT_EQ(ErrnoOf((*MediaSlice::Make(parent, {128, 1024}))->Store64(4, 1)), EIO);
}

TEST(MediaSliceTest, PagesToGiveBackAreTheParents) {
  const std::shared_ptr<Media> parent = *MemoryMedia::Make(65536);
  EXPECT_EQ(HoleUnitOf(**MediaSlice::Make(parent, {8192, 10000})), 4096u);
  EXPECT_EQ(HoleUnitOf(**MediaSlice::Make(parent, {512, 8192})), 0u);
}

TEST(MediaSliceTest, NoWordReachesOutOfTheWindow) {
  const std::shared_ptr<Media> parent = *MemoryMedia::Make(4096);
  const std::shared_ptr<Media> window = *MediaSlice::Make(parent, {130, 1024});
  EXPECT_EQ(ReasonOf(window->Store32(1024, 1)), "media.range");
  EXPECT_EQ(ReasonOf(window->StoreThrough64(UINT64_MAX - 7, 1)), "media.range");
}

}  // namespace
}  // namespace nvdimmfs::core
