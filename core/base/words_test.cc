// SPDX-License-Identifier: Apache-2.0
#include "core/base/words.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

using Words = std::vector<Word>;

Words Parsed(absl::string_view line) {
  const auto words = ParseWords(line);
  EXPECT_TRUE(words.ok()) << line << ": " << words.status();
  return words.ok() ? *words : Words();
}

TEST(WordsTest, AreSeparatedByBlanksAndCommas) {
  const Words two = {{"size", "64M"}, {"mode", "sector"}};
  for (const char* line : {"size=64M mode=sector", "  size=64M,mode=sector\n",
                           "size=64M,\tmode=sector,", "\nsize=64M\nmode=sector\r\n"})
    EXPECT_EQ(Parsed(line), two) << line;
  EXPECT_EQ(Parsed(""), Words());
  EXPECT_EQ(Parsed(" ,\n,\t"), Words());
}

TEST(WordsTest, AQuotedValueMayHoldSeparators) {
  EXPECT_EQ(Parsed("name=\"a, b\" size=1"), (Words{{"name", "a, b"}, {"size", "1"}}));
  EXPECT_EQ(Parsed("name='a \"b\", \\c'"), (Words{{"name", "a \"b\", \\c"}}));
  EXPECT_EQ(Parsed(R"(name="say \"hi\" \\ \n")"), (Words{{"name", R"(say "hi" \ \n)"}}));
  EXPECT_EQ(Parsed("name=\"\",mode=raw"), (Words{{"name", ""}, {"mode", "raw"}}));
  EXPECT_EQ(Parsed("name=\"two\nlines\""), (Words{{"name", "two\nlines"}}));
}

TEST(WordsTest, QuotesAndBackslashesElsewhereArePlain) {
  EXPECT_EQ(Parsed("name=it's mode=raw"), (Words{{"name", "it's"}, {"mode", "raw"}}));
  EXPECT_EQ(Parsed(R"(name=a"b\c)"), (Words{{"name", R"(a"b\c)"}}));
  EXPECT_EQ(Parsed("name=a=b"), (Words{{"name", "a=b"}}));
  EXPECT_EQ(Parsed("name="), (Words{{"name", ""}}));
}

TEST(WordsTest, WhatIsNoWordIsRefused) {
  for (const char* line :
       {"size", "64M", "=64M", "size=1 raw", "name=\"open", "name='open\"", "name=\"",
        "name=\"a\"b", "name=\"a\"=b", "name=\"a\\\"", "size=1 size=1", "# size=1"}) {
    const auto words = ParseWords(line);
    EXPECT_EQ(ReasonOf(words.status()), "words.syntax") << line;
    EXPECT_EQ(ErrnoOf(words.status()), EINVAL) << line;
  }
}

TEST(WordsTest, SentencesShowNoControlCharacters) {
  const std::string sentence(ParseWords("\x1b[31mred\x07").status().message());
  for (const char c : sentence) EXPECT_GE(c, ' ') << sentence;
}

std::string Quoted(absl::string_view value) {
  return absl::StrCat("\"", absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

// Any name survives being quoted; any bytes are parsed or refused.
TEST(WordsTest, RandomValuesComeBack) {
  std::mt19937_64 random(1);
  const absl::string_view alphabet("ab =,\"'\\\n\t#\x80", 12);
  for (int round = 0; round < 20000; ++round) {
    std::string value;
    for (size_t left = random() % 12; left > 0; --left)
      value += alphabet[random() % alphabet.size()];
    ParseWords(value).status().IgnoreError();
    const Words expected = {{"name", value}, {"size", "1"}};
    ASSERT_EQ(Parsed("name=" + Quoted(value) + " size=1"), expected) << value;
  }
}

}  // namespace
}  // namespace nvdimmfs::core
