// SPDX-License-Identifier: Apache-2.0
#include "core/media/media_errors.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/media/memory_media.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kStart = 1 << 20, kSize = 64 << 10;

class MediaErrorsTest : public testing::Test {
 protected:
  std::string Listed() {
    std::string text;
    for (const Range& range : errors.All())
      absl::StrAppend(&text, text.empty() ? "" : " ", range.start - kStart, "+", range.size);
    return text;
  }
  std::string Bad() const {
    std::string text;
    for (const Range& range : media->BadRanges())
      absl::StrAppend(&text, text.empty() ? "" : " ", range.start, "+", range.size);
    return text;
  }
  void Inject(uint64_t at, uint64_t size) { ASSERT_TRUE(errors.Inject({kStart + at, size}).ok()); }
  void Clear(uint64_t at, uint64_t size) { ASSERT_TRUE(errors.Clear({kStart + at, size}).ok()); }
  void Write(uint64_t at, size_t size) {
    ASSERT_TRUE(media->Write(at, std::vector<std::byte>(size)).ok());
  }

  std::shared_ptr<MemoryMedia> media = std::make_shared<MemoryMedia>(kSize);
  std::shared_ptr<MemoryMedia> second = std::make_shared<MemoryMedia>(kSize);
  MediaErrors errors{{{{kStart, kSize}, media}, {{kStart + kSize, kSize}, second}}};
  const Range everything{kStart, 2 * kSize};
};

TEST_F(MediaErrorsTest, HiddenUntilAScrub) {
  Inject(1024, 256);
  EXPECT_EQ(Listed(), "1024+256");
  EXPECT_EQ(Bad(), "");
  errors.Reveal(everything);
  EXPECT_EQ(Listed(), "1024+256");
  EXPECT_EQ(Bad(), "1024+512");
}

TEST_F(MediaErrorsTest, AScrubOfOneRangeLeavesTheOthersHidden) {
  Inject(0, 512);
  Inject(kSize, 512);
  errors.Reveal({kStart + kSize, kSize});
  EXPECT_EQ(Bad(), "");
  EXPECT_TRUE(second->IsPoisoned(0, 1));
}

TEST_F(MediaErrorsTest, WritingAWholeSectorHeals) {
  Inject(1024, 256);
  errors.Reveal(everything);
  Write(1024, 512);
  EXPECT_EQ(Listed(), "");
}

TEST_F(MediaErrorsTest, WritingHealsOnlyWhatItCovers) {
  Inject(0, 2048);
  errors.Reveal(everything);
  Write(512, 1024);
  EXPECT_EQ(Listed(), "0+512 1536+512");
}

TEST_F(MediaErrorsTest, WritingOverAHiddenErrorLeavesIt) {
  Inject(0, 512);
  Write(0, 512);
  EXPECT_EQ(Listed(), "0+512");
}

TEST_F(MediaErrorsTest, WithdrawnErrorsAreForgottenButWhatIsBadStaysBad) {
  Inject(0, 1024);
  errors.Reveal(everything);
  errors.Withdraw({kStart + 256, 256});
  EXPECT_EQ(Listed(), "0+256 512+512");
  errors.Withdraw(everything);
  EXPECT_EQ(Listed(), "");
  EXPECT_EQ(Bad(), "0+1024");
}

TEST_F(MediaErrorsTest, ClearingMakesWholeSectorsGood) {
  Inject(0, 2048);
  errors.Reveal(everything);
  Clear(512, 512);
  EXPECT_EQ(Listed(), "0+512 1024+1024");
  EXPECT_EQ(Bad(), "0+512 1024+1024");
}

TEST_F(MediaErrorsTest, ASectorIsGoodWhenItsLastErrorIsCleared) {
  Inject(0, 512);
  errors.Reveal(everything);
  Clear(0, 256);
  EXPECT_EQ(Listed(), "256+256");
  EXPECT_EQ(Bad(), "0+512");
  Clear(256, 256);
  EXPECT_EQ(Bad(), "");
}

TEST_F(MediaErrorsTest, ClearingAHiddenError) {
  Inject(0, 512);
  Clear(0, 512);
  errors.Reveal(everything);
  EXPECT_EQ(Bad(), "");
}

TEST_F(MediaErrorsTest, ErrorsMayLieInTwoPlaces) {
  Inject(kSize - 512, 1024);
  EXPECT_EQ(Listed(), absl::StrCat(kSize - 512, "+512 ", kSize, "+512"));
  errors.Reveal(everything);
  EXPECT_EQ(Bad(), absl::StrCat(kSize - 512, "+512"));
  EXPECT_TRUE(second->IsPoisoned(0, 512));
}

TEST_F(MediaErrorsTest, OneThatStartsAtTheSameByteReplaces) {
  Inject(512, 512);
  Inject(512, 256);
  EXPECT_EQ(Listed(), "512+256");
}

TEST_F(MediaErrorsTest, WhatIsNotInAPlaceIsRefused) {
  for (const Range range : {Range{0, 512}, Range{kStart, 0}, Range{kStart + 2 * kSize - 1, 2},
                            Range{kStart - 1, 2}, Range{UINT64_MAX - 10, 10}})
    EXPECT_EQ(ReasonOf(errors.Inject(range)), "errors.range");
}

TEST_F(MediaErrorsTest, TheListIsFullAtItsLimit) {
  size_t taken = 0;
  while (taken <= MediaErrors::kMostErrors && errors.Inject({kStart + taken, 1}).ok()) ++taken;
  EXPECT_LE(taken, MediaErrors::kMostErrors);
  EXPECT_GT(taken, MediaErrors::kMostErrors - 8);
  EXPECT_EQ(ReasonOf(errors.Inject({kStart + taken, 1})), "errors.full");
}

TEST(MediaErrors, WhatWasBadBeforeIsKnown) {
  auto media = std::make_shared<MemoryMedia>(kSize);
  ASSERT_TRUE(media->InjectPoison({512, 1024}).ok());
  MediaErrors errors({{{kStart, kSize}, media}});
  ASSERT_EQ(errors.All().size(), 1u);
  EXPECT_EQ(errors.All()[0], (Range{kStart + 512, 1024}));
}

}  // namespace
}  // namespace nvdimmfs::core
