// SPDX-License-Identifier: Apache-2.0
#include "tools/docs/dictionary.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::tools {
namespace {

using testing::Contains;
using namespace std::string_literals;  // NOLINT: words with NULs

TEST(DictionaryTest, HasWordsOfEachTable) {
  const std::vector<std::string> words = DictionaryWords();
  EXPECT_TRUE(std::is_sorted(words.begin(), words.end()));
  for (const std::string& word :
       {"alt_name"s, "deep_flush"s, "label_size"s, "passthrough"s, "[[bus]]"s, "NAMESPACE_INDEX\0"s,
        "NVDIMM_DAX_INFO\0"s, "BTT_ARENA_INFO\0\0"s, "NFIT"s,
        "97a86d9c-3cdd-4eda-986f-5068b4f80088"s,
        "\x97\xa8\x6d\x9c\x3c\xdd\x4e\xda\x98\x6f\x50\x68\xb4\xf8\x00\x88"s,
        "\x9c\x6d\xa8\x97\xdd\x3c\xda\x4e\x98\x6f\x50\x68\xb4\xf8\x00\x88"s})
    EXPECT_THAT(words, Contains(word));
}

TEST(DictionaryTest, IsOneThatLibFuzzerReads) {
  const std::string text = Dictionary();
  size_t words = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (line[0] == '#') continue;
    ++words;
    ASSERT_GE(line.size(), 3u) << line;
    EXPECT_TRUE(line.front() == '"' && line.back() == '"') << line;
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << line;
  }
  EXPECT_GT(words, 300u);
}

}  // namespace
}  // namespace nvdimmfs::tools
