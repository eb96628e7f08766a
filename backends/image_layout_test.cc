// SPDX-License-Identifier: Apache-2.0
#include "backends/image_layout.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/types/span.h"
#include "core/base/status.h"
#include "core/labels/label_area.h"
#include "core/media/media_slice.h"
#include "core/media/memory_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using core::ErrnoOf;
using core::LabelArea;
using core::LabelVersion;
using core::MemoryMedia;
using core::ReasonOf;

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

class ImageLayoutTest : public ::testing::Test {
 protected:
  void MakeFile(uint64_t size) { file_ = std::make_shared<MemoryMedia>(size); }
  // Writes the index blocks of a label area of `size` bytes that ends `before_end` bytes before the
  // end of the file.
  void Label(uint64_t size, const LabelVersion& version = core::LabelV1_2(),
             uint64_t before_end = 0) {
    auto slice = core::MediaSlice::Make(file_, {file_->size() - before_end - size, size});
    ASSERT_TRUE(slice.ok());
    auto area = LabelArea::Open(*slice);
    ASSERT_TRUE(area.ok()) << area.status();
    ASSERT_TRUE(area->Initialise(version).ok());
  }
  void Damage(uint64_t offset) { file_->bytes()[offset] ^= std::byte{1}; }
  ImageLayout Divide(LayoutWish wish = {}) {
    auto layout = DivideImage(file_, wish, "file");
    EXPECT_TRUE(layout.ok()) << layout.status();
    return layout.ok() ? *layout : ImageLayout{};
  }
  std::vector<std::string> Reasons(const ImageLayout& layout) {
    std::vector<std::string> reasons;
    for (const core::Finding& finding : layout.findings) reasons.push_back(finding.reason);
    return reasons;
  }

  std::shared_ptr<MemoryMedia> file_;
};

TEST_F(ImageLayoutTest, BlankRemainderOverAMebibyteIsTheLabelArea) {
  MakeFile(256 * kMiB + 128 * kKiB);
  const ImageLayout layout = Divide();
  EXPECT_EQ(layout.data, (core::Range{0, 256 * kMiB}));
  EXPECT_EQ(layout.labels, (core::Range{256 * kMiB, 128 * kKiB}));
  // It is a guess, and says so with the option that ends the doubt.
  ASSERT_EQ(layout.findings.size(), 1u);
  EXPECT_EQ(layout.findings[0].reason, "image.labels.note");
  EXPECT_EQ(layout.findings[0].offset, 256 * kMiB);
  EXPECT_TRUE(absl::StrContains(layout.findings[0].sentence, "label_size=131072"));
  EXPECT_TRUE(absl::StrContains(layout.findings[0].sentence, "label_size=0"));
  EXPECT_TRUE(Divide({.label_size = 128 * kKiB}).findings.empty());
}

TEST_F(ImageLayoutTest, ATailThatIsNotZerosIsData) {
  for (const uint64_t at : {uint64_t{0}, uint64_t{4096 + 7}, 128 * kKiB - 1}) {
    MakeFile(64 * kMiB + 128 * kKiB);
    Damage(64 * kMiB + at);
    EXPECT_TRUE(Divide().labels.empty()) << at;
    EXPECT_EQ(Divide().data.size, file_->size());
    // A label area that lost all of its labels looks like that, too.
    ASSERT_EQ(Reasons(Divide()), std::vector<std::string>{"image.labels.note"});
    EXPECT_TRUE(absl::StrContains(Divide().findings[0].sentence, "label_size=131072"));
    EXPECT_TRUE(Divide({.label_size = 0}).findings.empty());
  }
}

// Sizes that people give to file systems: blank, they are guessed at; with an ext4 over all of it
// they are data.
TEST_F(ImageLayoutTest, AZeroTailUnderAFileSystemIsData) {
  for (const uint64_t size :
       {uint64_t{500'000'000} / 4096 * 4096, uint64_t{1'000'000'000} / 4096 * 4096,
        64 * kMiB + 132 * kKiB, 64 * kMiB + 900 * kKiB}) {
    SCOPED_TRACE(size);
    MakeFile(size);
    EXPECT_EQ(Divide().labels.size, size % kMiB);
    const auto ext4 = [&](uint64_t blocks) {  // of 4096 bytes
      const uint8_t magic[] = {0x53, 0xef}, shift[] = {2};
      const auto count = static_cast<uint32_t>(blocks);
      std::memcpy(file_->bytes().data() + 0x438, magic, sizeof magic);
      std::memcpy(file_->bytes().data() + 0x418, shift, sizeof shift);
      std::memcpy(file_->bytes().data() + 0x404, &count, sizeof count);
    };
    ext4(size / 4096);
    EXPECT_EQ(Divide().data.size, size);
    EXPECT_TRUE(Divide().findings.empty());
    // One page less than the data would have is still too much for a blank area of that size.
    ext4((size - size % kMiB) / 4096 + 1);
    EXPECT_EQ(Divide().data.size, size);
    // It ends where the blank area would begin: what a guest did with a label-less DIMM.
    ext4((size - size % kMiB) / 4096);
    EXPECT_EQ(Divide().labels.size, size % kMiB);
    EXPECT_EQ(Divide().findings.size(), 1u);
  }
}

TEST_F(ImageLayoutTest, AZeroTailUnderWhatDoesNotSayItsSizeIsData) {
  MakeFile(64 * kMiB + 128 * kKiB);
  std::memcpy(file_->bytes().data(), "LUKS\xba\xbe", 6);
  EXPECT_TRUE(Divide().labels.empty());
  ASSERT_EQ(Divide().findings.size(), 1u);
  EXPECT_TRUE(absl::StrContains(Divide().findings[0].sentence, "label_size=0"));
}

TEST_F(ImageLayoutTest, AFileThatIsNotWholePagesHasNoBlankLabelArea) {
  for (const uint64_t size : {500'000'000, 1'000'000'000}) {
    MakeFile(size);
    EXPECT_EQ(Divide().data.size, size / 4096 * 4096);
    EXPECT_TRUE(Divide().labels.empty());
  }
}

TEST_F(ImageLayoutTest, BlankWholeMebibytesAreLabelLess) {
  MakeFile(256 * kMiB);
  EXPECT_EQ(Divide().data.size, 256 * kMiB);
  EXPECT_TRUE(Divide().labels.empty());
}

TEST_F(ImageLayoutTest, BlankRemainderUnder128KiBIsData) {
  MakeFile(64 * kMiB + 124 * kKiB);
  EXPECT_EQ(Divide().data.size, 64 * kMiB + 124 * kKiB);
}

TEST_F(ImageLayoutTest, IndexBlocksTellTheSize) {
  for (const LabelVersion* version : {&core::LabelV1_1(), &core::LabelV1_2()}) {
    for (uint64_t label_size : {128 * kKiB, 132 * kKiB, 192 * kKiB, 256 * kKiB, 1 * kMiB, 2 * kMiB,
                                1 * kMiB + 128 * kKiB, 3 * kMiB, 16 * kMiB}) {
      SCOPED_TRACE(label_size);
      MakeFile(64 * kMiB + label_size);
      Label(label_size, *version);
      EXPECT_EQ(Divide().labels, (core::Range{64 * kMiB, label_size}));
      EXPECT_EQ(Divide().data.size, 64 * kMiB);
      EXPECT_TRUE(Divide().findings.empty());
    }
  }
}

TEST_F(ImageLayoutTest, IndexBlocksAreFoundInAFileOfWholeMebibytes) {
  MakeFile(64 * kMiB);
  Label(128 * kKiB);
  EXPECT_EQ(Divide().labels.size, 128 * kKiB);
  EXPECT_EQ(Divide().data.size, 64 * kMiB - 128 * kKiB);
}

TEST_F(ImageLayoutTest, EitherIndexBlockIsEnough) {
  MakeFile(64 * kMiB + kMiB);
  Label(kMiB);
  Damage(64 * kMiB + 100);
  EXPECT_EQ(Divide().labels.size, kMiB);
}

TEST_F(ImageLayoutTest, ACopyOfALabelAreaInTheDataDoesNotMoveTheRealOne) {
  MakeFile(64 * kMiB + 128 * kKiB);
  // What a guest may write into its own data: an area that would end where the file ends.
  Label(kMiB);
  Label(128 * kKiB);
  const ImageLayout layout = Divide();
  EXPECT_EQ(layout.labels.size, 128 * kKiB);
  ASSERT_EQ(Reasons(layout), std::vector<std::string>{"image.labels.ambiguous"});
  EXPECT_EQ(layout.findings[0].offset, 64 * kMiB + 128 * kKiB - kMiB);
}

TEST_F(ImageLayoutTest, ADamagedIndexStillTellsWhereLabelsBegin) {
  MakeFile(64 * kMiB + kMiB);
  Label(kMiB);
  for (uint64_t at = 64; at < 8192; at += 64) Damage(64 * kMiB + at);
  const ImageLayout layout = Divide();
  EXPECT_EQ(layout.labels.size, kMiB);
  EXPECT_EQ(Reasons(layout), std::vector<std::string>{"image.labels.damaged"});
}

// Whatever became of both index blocks: the labels are not taken for data, nor for blank.
TEST_F(ImageLayoutTest, LabelsWithoutAnIndexStillTellWhereTheirAreaBegins) {
  for (const uint64_t size : {128 * kKiB, 256 * kKiB, kMiB}) {
    for (const LabelVersion* version : {&core::LabelV1_1(), &core::LabelV1_2()}) {
      for (const int fill : {0, 0xee}) {
        MakeFile(64 * kMiB + size);
        Label(size, *version);
        const uint64_t start = 64 * kMiB;
        auto slice = core::MediaSlice::Make(file_, {start, size});
        auto area = LabelArea::Open(*slice);
        core::NamespaceLabel label;
        label.uuid = core::Uuid(core::Uuid::Bytes{1});
        label.rawsize = kMiB;
        for (const std::vector<uint32_t>& frees : {std::vector<uint32_t>{}, {0}})
          ASSERT_TRUE(area->Update(label, frees).ok());
        std::memset(file_->bytes().data() + start, fill, area->slot_offset(0));
        const ImageLayout layout = Divide();
        EXPECT_EQ(layout.labels, (core::Range{start, size}));
        EXPECT_EQ(Reasons(layout), std::vector<std::string>{"image.labels.damaged"});
      }
    }
  }
}

TEST_F(ImageLayoutTest, TheCallersSizeOverrides) {
  MakeFile(64 * kMiB + 128 * kKiB);
  Label(128 * kKiB);
  const auto hiding = [](uint64_t size) { return LayoutWish{size, /*hide_labels=*/true}; };
  EXPECT_EQ(Divide(hiding(0)).data.size, 64 * kMiB + 128 * kKiB);
  EXPECT_EQ(Divide(hiding(64 * kKiB)).labels.size, 64 * kKiB);
  const ImageLayout odd = Divide(hiding(5000));
  EXPECT_EQ(odd.labels, (core::Range{64 * kMiB + 128 * kKiB - 5000, 5000}));
  EXPECT_EQ(odd.data.size, 64 * kMiB + 120 * kKiB);  // and 3192 unused bytes between them
  EXPECT_EQ(Divide(hiding(file_->size() - 4096)).data.size, 4096u);
}

TEST_F(ImageLayoutTest, ASizeThatHidesLabelsIsRefused) {
  for (const bool damaged : {false, true}) {
    SCOPED_TRACE(damaged);
    MakeFile(64 * kMiB + 128 * kKiB);
    Label(128 * kKiB);
    if (damaged)
      for (uint64_t at = 64; at < 8192; at += 64) Damage(64 * kMiB + at);
    EXPECT_EQ(Divide({.label_size = 128 * kKiB}).labels.size, 128 * kKiB);
    for (const uint64_t size : {uint64_t{0}, 64 * kKiB, 132 * kKiB, kMiB, 64 * kMiB}) {
      const absl::Status status = DivideImage(file_, {.label_size = size}, "file").status();
      EXPECT_EQ(ErrnoOf(status), EINVAL) << size;
      EXPECT_EQ(ReasonOf(status), "image.labels.hidden") << size;
      EXPECT_TRUE(absl::StrContains(status.message(), "label_size=131072")) << status;
      EXPECT_TRUE(absl::StrContains(status.message(), "hide_labels")) << status;
      EXPECT_EQ(Divide({.label_size = size, .hide_labels = true}).labels.size, size);
    }
  }
}

// Who says which of two areas may have either.
TEST_F(ImageLayoutTest, OfTwoLabelAreasTheCallerMaySayEither) {
  MakeFile(64 * kMiB + 128 * kKiB);
  Label(kMiB);
  Label(128 * kKiB);
  EXPECT_EQ(Divide({.label_size = kMiB}).labels.size, kMiB);
  EXPECT_EQ(Divide({.label_size = 128 * kKiB}).labels.size, 128 * kKiB);
}

TEST_F(ImageLayoutTest, ALabelAreaThatLeavesNoDataIsRefused) {
  MakeFile(kMiB);
  for (uint64_t size : {kMiB, kMiB - 4095, 2 * kMiB, UINT64_MAX, uint64_t{1} << 32}) {
    auto layout = DivideImage(file_, {.label_size = size}, "file");
    EXPECT_EQ(ReasonOf(layout.status()), "image.label_size") << size;
    EXPECT_EQ(ErrnoOf(layout.status()), EINVAL);
  }
}

TEST_F(ImageLayoutTest, LessThanAPageIsRefused) {
  for (uint64_t size : {0, 1, 4095}) {
    MakeFile(size);
    EXPECT_EQ(ReasonOf(DivideImage(file_, {}, "file").status()), "image.size");
  }
  MakeFile(4096);
  EXPECT_EQ(Divide().data.size, 4096u);
}

TEST_F(ImageLayoutTest, APageCutInTwoIsLeftOutAndTold) {
  MakeFile(64 * kMiB + 5);
  EXPECT_EQ(Divide().data.size, 64 * kMiB);
  EXPECT_EQ(Reasons(Divide()), std::vector<std::string>{"image.size.odd"});
}

TEST_F(ImageLayoutTest, AnySizeAndContentGivesALayoutThatFits) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 40; ++round) {
    const uint64_t size = 4096 + random() % (5 * kMiB);
    SCOPED_TRACE(size);
    MakeFile(size);
    for (int i = 0; i < 300; ++i) {
      const uint64_t at = random() % size;
      const char text[] = "NAMESPACE_INDEX";
      std::memcpy(file_->bytes().data() + at, text, std::min<uint64_t>(sizeof text, size - at));
    }
    const ImageLayout layout = Divide();
    EXPECT_GE(layout.data.size, 4096u);
    EXPECT_EQ(layout.data.size % 4096, 0u);
    EXPECT_LE(layout.data.end(), layout.labels.start);
    EXPECT_LE(layout.labels.end(), size);
  }
}

TEST_F(ImageLayoutTest, ALabelTailCanBeFoundAgain) {
  MakeFile(64 * kMiB);
  for (const uint64_t size : {128 * kKiB, 132 * kKiB, 2 * kMiB, 3 * kMiB, 32 * kMiB})
    EXPECT_TRUE(CheckLabelTail(file_, size, "file").ok()) << size;
  for (const uint64_t size :
       {uint64_t{0}, 64 * kKiB, 124 * kKiB, 130 * kKiB, 2 * kMiB + 4096, 64 * kMiB, 1024 * kMiB}) {
    const absl::Status status = CheckLabelTail(file_, size, "file");
    EXPECT_EQ(ErrnoOf(status), EINVAL) << size;
    EXPECT_EQ(ReasonOf(status), "image.label_size") << size;
  }
}

}  // namespace
}  // namespace nvdimmfs::backends
