// SPDX-License-Identifier: Apache-2.0
// Power fails at every step of x/create. What the next boot finds is free space or a whole
// namespace.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/labels/label_area.h"
#include "core/labels/label_format.h"
#include "core/media/media_slice.h"
#include "core/services/cut_model.h"
#include "core/testing/crash_lab.h"

namespace nvdimmfs::core {
namespace {

using nvdimmfs::testing::CrashLab;
using nvdimmfs::testing::FaultyMedia;
using nvdimmfs::testing::MediaStep;
using nvdimmfs::testing::SeededBug;

// "" if there is no namespace, else what tells a whole one from a part of one.
std::string Found(CutModel& m) {
  if (m.Get("namespace0.0/size") == "0\n") return m.Get("namespace0.0/uuid") == "\n" ? "" : "uuid";
  std::string found;
  for (const char* attribute : {"size", "mode", "alt_name", "sector_size", "holder_class"})
    found += m.Get(std::string("namespace0.0/") + attribute);
  return found + m.Get("region0/available_size");
}

// "" if the label area is one that an undisturbed x/create leaves: no slot in use without a valid
// label, and no label that is still being updated.
std::string Unfinished(const CrashLab::MediaPtr& media) {
  const auto area = LabelArea::Open(*MediaSlice::Make(media, {CutModel::kData, CutModel::kLabels}));
  if (!area.ok()) return area.status().ToString();
  if (area->unreadable_slots() != 0) return "a slot in use without a valid label";
  for (const StoredLabel& stored : area->labels())
    if ((stored.label.flags & kLabelUpdating) != 0) return "a label that is being updated";
  return "";
}

void ExpectNothingOrAll(CrashLab& lab, const std::string& line, bool seeds_bugs) {
  SCOPED_TRACE(line);
  const std::shared_ptr<FaultyMedia> start = CutModel::Initialised();
  const auto whole_media = start->Clone();
  ASSERT_EQ(CutModel(whole_media).Set("region0/x/create", line), "");
  CutModel whole(whole_media);
  const std::string all = Found(whole);
  ASSERT_NE(all, "");
  const CrashLab::Subject subject = {
      .operate = [&](const CrashLab::MediaPtr& media) -> size_t {
        CutModel m(media);
        return m.Set("region0/x/create", line).empty() ? 1 : 0;
      },
      .judge = [&](const CrashLab::MediaPtr& left, size_t acknowledged) -> std::string {
        CutModel after(left);
        const std::string found = Found(after);
        const std::string unfinished = Unfinished(left);
        if (acknowledged != 0 && !unfinished.empty()) return unfinished;
        if (unfinished == "a slot in use without a valid label") return unfinished;
        if (found == all) return "";
        if (acknowledged != 0) return absl::StrCat("acknowledged, but found '", found, "'");
        if (!found.empty()) return absl::StrCat("found a part: '", found, "'");
        // Nothing prevents the next one.
        const std::string next = after.Set("region0/x/create", line);
        if (!next.empty()) return absl::StrCat("the next one is refused: ", next);
        return Found(after) == all ? "" : "the next one is not whole";
      }};
  const uint64_t before = lab.states();
  lab.Explore(*start, subject);
  EXPECT_GT(lab.states(), before + 20);
  if (!seeds_bugs) return;
  lab.ExpectBugsCaught(*start, subject, [](SeededBug, int64_t step, const std::vector<MediaStep>&) {
    // The index block of the label that says "updating". label_area_crash_test
    // has these bugs: an update on its own must be durable. Here it is half of
    // an operation.
    return step == 10 || step == 11;
  });
}

TEST(ProvisionCrashTest, CreateLeavesNothingOrAll) {
  CrashLab lab("x/create", {.outcomes = 16, .bug_outcomes = 256});
  ExpectNothingOrAll(lab, "size=32M name=plain", true);
  // The steps of the labels are those above, and fences between the info block and the labels cover
  // for each other. btt_crash_test seeds bugs into the making of a BTT.
  ExpectNothingOrAll(lab, "size=32M mode=sector name=log", false);
  ExpectNothingOrAll(lab, "size=32M mode=fsdax map=mem", false);
  ExpectNothingOrAll(lab, "size=32M mode=devdax name=dax", false);
}

}  // namespace
}  // namespace nvdimmfs::core
