// SPDX-License-Identifier: Apache-2.0
// Power fails at every step of x/create. What the next boot finds is free space or a whole
// namespace.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/labels/label_area.h"
#include "core/media/media_slice.h"
#include "core/testing/faulty_media.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

using nvdimmfs::testing::FaultyMedia;

constexpr uint64_t kData = 64 << 20;
constexpr uint64_t kLabels = 128 << 10;

// One DIMM, data and label area on one media: a cut stops both.
class CutModel : public ModelVerbs {
 public:
  explicit CutModel(std::shared_ptr<FaultyMedia> media) {
    DimmSource dimm{.description = "memory",
                    .capacity = *MediaSlice::Make(media, {0, kData}),
                    .labels = *MediaSlice::Make(media, {kData, kLabels})};
    dimm.identity = {.handle = 1, .vendor = 0x8086, .serial = 0x123456, .interface_code = 0x301};
    std::vector<DimmSource> dimms;
    dimms.push_back(std::move(dimm));
    Start(QemuBus(std::move(dimms)));
  }
};

std::shared_ptr<FaultyMedia> Initialised() {
  auto media = std::make_shared<FaultyMedia>(kData + kLabels);
  auto area = LabelArea::Open(*MediaSlice::Make(media, {kData, kLabels}));
  EXPECT_TRUE(area->Initialise(LabelV1_2()).ok());
  return media;
}

// "" where there is no namespace, else what tells a whole one from a part of one.
std::string Found(CutModel& m) {
  if (m.Get("namespace0.0/size") == "0\n") return m.Get("namespace0.0/uuid") == "\n" ? "" : "uuid";
  std::string found;
  for (const char* attribute : {"size", "mode", "alt_name", "sector_size", "holder_class"})
    found += m.Get(std::string("namespace0.0/") + attribute);
  return found + m.Get("region0/available_size");
}

void ExpectNothingOrAll(const std::string& line) {
  SCOPED_TRACE(line);
  const std::shared_ptr<FaultyMedia> start = Initialised();
  const auto whole_media = start->Clone();
  ASSERT_EQ(CutModel(whole_media).Set("region0/x/create", line), "");
  CutModel whole(whole_media);
  const std::string all = Found(whole);
  ASSERT_NE(all, "");
  int checked = 0;
  for (int64_t step = 0;; ++step) {
    SCOPED_TRACE(absl::StrCat("power cut before step ", step));
    const auto media = start->Clone();
    {
      CutModel cut(media);
      media->CutBefore(step);
      const std::string answer = cut.Set("region0/x/create", line);
      if (!media->cut()) break;
      ASSERT_NE(answer, "");
    }
    for (const auto& left : media->Outcomes(4, static_cast<uint64_t>(step))) {
      CutModel after(left);
      const std::string found = Found(after);
      if (found != all) {
        ASSERT_EQ(found, "");
        // Nothing is in the way of the next one.
        ASSERT_EQ(after.Set("region0/x/create", line), "");
        ASSERT_EQ(Found(after), all);
      }
      ++checked;
    }
  }
  EXPECT_GT(checked, 20);
}

TEST(ProvisionCrashTest, CreateLeavesNothingOrAll) {
  ExpectNothingOrAll("size=32M name=plain");
  ExpectNothingOrAll("size=32M mode=sector name=log");
  ExpectNothingOrAll("size=32M mode=fsdax map=mem");
  ExpectNothingOrAll("size=32M mode=devdax name=dax");
}

}  // namespace
}  // namespace nvdimmfs::core
