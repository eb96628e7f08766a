// SPDX-License-Identifier: Apache-2.0
#include "tools/docs/man_text.h"

#include "gtest/gtest.h"

namespace nvdimmfs::tools {
namespace {

TEST(ManText, ShowsTextAsItIs) {
  EXPECT_EQ(ManText("a-b \\ c"), "a\\-b \\e c");
  EXPECT_EQ(ManText(".Nm"), "\\&.Nm");
  EXPECT_EQ(ManText("'x"), "\\&'x");
  EXPECT_EQ(ManText("see `a-b` and `c`"), "see \\fBa\\-b\\fR and \\fBc\\fR");
}

TEST(Sentence, HasACapitalAndAFullStop) {
  EXPECT_EQ(Sentence("free bytes"), "Free bytes.");
  EXPECT_EQ(Sentence("`x`."), "`x`.");
}

TEST(ManArgument, IsOneArgument) { EXPECT_EQ(ManArgument("a \"b"), "\"\\&a \\(dqb\""); }

}  // namespace
}  // namespace nvdimmfs::tools
