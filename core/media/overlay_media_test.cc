// SPDX-License-Identifier: Apache-2.0
#include "core/media/overlay_media.h"

#include <memory>
#include <vector>

#include "core/base/status.h"
#include "core/media/memory_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using Bytes = std::vector<std::byte>;

class OverlayMediaTest : public ::testing::Test {
 protected:
  OverlayMediaTest() {
    for (size_t i = 0; i < base_->bytes().size(); ++i)
      base_->bytes()[i] = static_cast<std::byte>(i / 512 + 1);
    before_.assign(base_->bytes().begin(), base_->bytes().end());
  }
  ~OverlayMediaTest() override {
    EXPECT_TRUE(std::equal(before_.begin(), before_.end(), base_->bytes().begin()));
  }
  Bytes ReadAll() const {
    Bytes out(overlay_.size());
    EXPECT_TRUE(overlay_.Read(0, absl::MakeSpan(out)).ok());
    return out;
  }

  const std::shared_ptr<MemoryMedia> base_ = std::make_shared<MemoryMedia>(5000);
  OverlayMedia overlay_{base_};
  Bytes before_;
};

TEST_F(OverlayMediaTest, StoresAreSeenHereAndNotBelow) {
  EXPECT_EQ(ReadAll(), before_);
  Bytes expected = before_;
  for (const auto& [at, length] :
       {std::pair{500, 30}, {0, 1}, {4999, 1}, {1024, 512}, {1000, 2000}}) {
    const Bytes data(length, std::byte{0xaa});
    ASSERT_TRUE(overlay_.Write(at, data).ok());
    std::copy(data.begin(), data.end(), expected.begin() + at);
    EXPECT_EQ(ReadAll(), expected);
  }
  ASSERT_TRUE(overlay_.Store32(4, 0x01020304).ok());
  expected[4] = std::byte{4}, expected[5] = std::byte{3}, expected[6] = std::byte{2};
  expected[7] = std::byte{1};
  EXPECT_EQ(ReadAll(), expected);
}

TEST_F(OverlayMediaTest, AccessBeyondTheEndIsRefused) {
  Bytes two(2);
  EXPECT_EQ(ReasonOf(overlay_.Read(4999, absl::MakeSpan(two))), "media.range");
  EXPECT_EQ(ReasonOf(overlay_.Write(4999, two)), "media.range");
}

TEST_F(OverlayMediaTest, BadUnitsAreMadeGoodHereAlone) {
  ASSERT_TRUE(base_->InjectPoison({512, 1024}).ok());
  Bytes some(100);
  EXPECT_EQ(ReasonOf(overlay_.Read(600, absl::MakeSpan(some))), "media.poison");
  EXPECT_EQ(ReasonOf(overlay_.Write(600, some)), "media.poison");
  ASSERT_TRUE(overlay_.Write(512, Bytes(512, std::byte{7})).ok());
  EXPECT_FALSE(overlay_.IsPoisoned(512, 512));
  EXPECT_TRUE(overlay_.IsPoisoned(512, 513));
  ASSERT_TRUE(overlay_.ClearPoison(1024, 512).ok());
  EXPECT_FALSE(overlay_.IsPoisoned(0, 5000));
  Bytes out(600);
  ASSERT_TRUE(overlay_.Read(500, absl::MakeSpan(out)).ok());
  EXPECT_EQ(out[0], std::byte{1});
  EXPECT_EQ(out[12], std::byte{7});
  EXPECT_TRUE(base_->IsPoisoned(512, 1024));
  ASSERT_TRUE(base_->ClearPoison(512, 1024).ok());
}

}  // namespace
}  // namespace nvdimmfs::core
