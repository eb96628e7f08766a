// SPDX-License-Identifier: Apache-2.0
#include "core/labels/label_verdict.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

// Every reason of a finding in the sources is a row of the table, and nothing else is.
TEST(LabelVerdictTest, TheTableHasEveryReasonThatTheSourcesGive) {
  std::set<std::string> in_table;
  for (const LabelReason& row : LabelReasons()) {
    EXPECT_TRUE(in_table.insert(std::string(row.reason)).second) << row.reason << " twice";
    EXPECT_EQ(FindLabelReason(row.reason), &row);
  }
  EXPECT_EQ(FindLabelReason("label.none"), nullptr);
  // Refusals of calls, which no finding has.
  const std::set<std::string> refusals = {
      "label.area.in_use", "label.area.size",  "label.index.none",   "label.region.version",
      "label.slot.range",  "label.slots.full", "labels.cookie_zero", "labels.duplicate",
      "labels.missing",    "labels.range",     "label.slot.in_use",  "label.slot.free"};
  std::set<std::string> in_sources;
  for (const auto& entry : std::filesystem::directory_iterator("core/labels")) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".cc") || name == "label_verdict.cc" || name.ends_with("_test.cc") ||
        name.ends_with("_fuzz.cc"))
      continue;
    std::ifstream file(entry.path());
    ASSERT_TRUE(file.good()) << name;
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::regex reason("\"(labels?(\\.[a-z_]+[0-9_a-z]*)+)\"");
    for (auto found = std::sregex_iterator(text.begin(), text.end(), reason);
         found != std::sregex_iterator(); ++found)
      if (refusals.count((*found)[1]) == 0) in_sources.insert((*found)[1]);
  }
  in_sources.insert("label.region.incomplete");  // core/sources/cxl_regions.cc
  EXPECT_EQ(in_sources, in_table);
}

TEST(LabelVerdictTest, LinesAreBounded) {
  EXPECT_EQ(LinesOf({}, "advice"), "");
  const std::vector<Finding> one = {{"a.b", 1, "x is y"}};
  EXPECT_EQ(LinesOf(one, ""), "x is y [a.b]");
  EXPECT_EQ(LinesOf(one, "do z"), "x is y [a.b]\ndo z");
  const std::string many = LinesOf(std::vector<Finding>(100, one[0]), "do z");
  EXPECT_EQ(std::count(many.begin(), many.end(), '\n'), 9);
  EXPECT_NE(many.find("92 more findings"), std::string::npos);
}

}  // namespace
}  // namespace nvdimmfs::core
