// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/json_text.h"

#include <cerrno>
#include <string>

#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::volumes {
namespace {

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonText, IsNestedAsDeepAsTheLimit) {
  EXPECT_TRUE(ParseJson(Nested(kDeepestJson)).ok());
  EXPECT_EQ(core::ReasonOf(ParseJson(Nested(kDeepestJson + 1)).status()), "json.depth");
}

TEST(JsonText, HoweverDeepIsRefused) {
  for (const std::string& open :
       {std::string("["), std::string("{\"a\":"), std::string("[{\"a\":[")})
    for (const size_t times : {100, 200'000}) {
      std::string text;
      for (size_t i = 0; i < times; ++i) text += open;
      EXPECT_EQ(core::ErrnoOf(ParseJson(text).status()), EINVAL);
    }
  EXPECT_EQ(core::ReasonOf(
                ParseJson("{\"Name\":\"a\",\"Opts\":{\"size\":" + Nested(200'000) + "}}").status()),
            "json.depth");
}

TEST(JsonText, BracketsInStringsAreText) {
  EXPECT_TRUE(
      ParseJson("{\"a\":\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"}")
          .ok());
  EXPECT_EQ(core::ReasonOf(ParseJson("\"\\" + Nested(1000)).status()), "json.syntax");
}

}  // namespace
}  // namespace nvdimmfs::volumes
