// SPDX-License-Identifier: Apache-2.0
#include "backends/label_move.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/image_layout.h"
#include "core/base/status.h"
#include "core/labels/label_area.h"
#include "core/media/media_slice.h"
#include "core/testing/faulty_media.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using core::LabelArea;
using core::Range;
using testing::FaultyMedia;

constexpr uint64_t kArea = kMinLabelArea, kData = 256 * 1024, kSize = 1 << 20;
constexpr Range kFrom = {kData, kArea};
constexpr uint64_t kTo = kSize - kArea;

LabelArea AreaAt(const std::shared_ptr<core::Media>& file, uint64_t start) {
  auto slice = core::MediaSlice::Make(file, {start, kArea});
  EXPECT_TRUE(slice.ok());
  auto area = LabelArea::Open(*slice);
  EXPECT_TRUE(area.ok()) << area.status();
  return *std::move(area);
}

// What a reader finds at one place: "" without a valid index.
std::string StateAt(const std::shared_ptr<core::Media>& file, uint64_t start) {
  const LabelArea area = AreaAt(file, start);
  if (!area.has_index()) return "";
  std::string state = "index";
  for (const core::StoredLabel& stored : area.labels())
    absl::StrAppend(&state, " ", stored.label.uuid.ToString(), "/", stored.label.rawsize);
  return state;
}

// A file whose area has seen updates, so that its index blocks and slots differ.
std::shared_ptr<FaultyMedia> MakeFile() {
  auto file = std::make_shared<FaultyMedia>(kSize);
  LabelArea area = AreaAt(file, kFrom.start);
  EXPECT_TRUE(area.Initialise(core::LabelV1_2()).ok());
  for (uint8_t n = 1; n <= 4; ++n) {
    core::NamespaceLabel label;
    label.uuid = core::Uuid(core::Uuid::Bytes{n});
    label.rawsize = 4096 * n;
    label.nlabel = 1;
    EXPECT_TRUE(area.Update(label, {}).ok());
  }
  EXPECT_TRUE(area.Update(std::nullopt, {1}).ok());
  return file;
}

TEST(LabelMoveTest, LabelsAreWholeAtTheNewPlaceAndGoneFromTheOld) {
  const auto file = MakeFile();
  const std::string before = StateAt(file, kFrom.start);
  ASSERT_TRUE(MoveLabels(file, kFrom, kTo).ok());
  EXPECT_EQ(StateAt(file, kTo), before);
  EXPECT_EQ(StateAt(file, kFrom.start), "");
  std::vector<std::byte> old(kArea);
  ASSERT_TRUE(file->Read(kFrom.start, absl::MakeSpan(old)).ok());
  EXPECT_EQ(old, std::vector<std::byte>(kArea));
}

TEST(LabelMoveTest, ACutAtAnyStepLosesNoLabel) {
  const auto pristine = MakeFile();
  const std::string whole = StateAt(pristine, kFrom.start);
  const int64_t start = pristine->steps();
  for (int64_t step = 0;; ++step) {
    SCOPED_TRACE(step);
    const auto file = pristine->Clone();
    file->CutBefore(step);
    const absl::Status status = MoveLabels(file, kFrom, kTo);
    if (!file->cut()) {
      EXPECT_TRUE(status.ok());
      EXPECT_GT(step, 8);
      break;
    }
    for (const auto& after : file->Outcomes(24, static_cast<uint64_t>(step + start))) {
      const std::string moved = StateAt(after, kTo), old = StateAt(after, kFrom.start);
      if (moved.empty()) {
        EXPECT_EQ(old, whole);
      } else {
        // It is what a mount finds first.
        EXPECT_EQ(moved, whole);
      }
    }
  }
}

TEST(LabelMoveTest, AFailedStepLeavesTheLabels) {
  const auto pristine = MakeFile();
  const std::string whole = StateAt(pristine, kFrom.start);
  for (int64_t step = 0; step < 1000; ++step) {
    const auto file = pristine->Clone();
    file->FailAt(step);
    const absl::Status status = MoveLabels(file, kFrom, kTo);
    EXPECT_TRUE(StateAt(file, kTo) == whole || StateAt(file, kFrom.start) == whole) << step;
    if (status.ok()) break;
  }
}

}  // namespace
}  // namespace nvdimmfs::backends
