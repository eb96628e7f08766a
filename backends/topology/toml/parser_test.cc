// SPDX-License-Identifier: Apache-2.0
#include "backends/topology/toml/parser.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"

namespace nvdimmfs::backends::toml {
namespace {

using std::string_literals::operator""s;

// A value on one line, as JSON would have it.
std::string Show(const Value& value);
std::string Show(const Table& table) {
  std::string out = "{";
  for (const auto& [key, entry] : table.entries)
    absl::StrAppend(&out, out.size() > 1 ? "," : "", key, ":", Show(entry.value));
  return out + "}";
}
std::string Show(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value.data)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&value.data)) return absl::StrCat(*number);
  if (const auto* text = std::get_if<std::string>(&value.data)) return "'" + *text + "'";
  if (const Table* table = value.table()) return Show(*table);
  const auto show = [](std::string* out, const Value& one) { absl::StrAppend(out, Show(one)); };
  return absl::StrCat("[", absl::StrJoin(value.array()->values, ",", show), "]");
}

std::string Read(absl::string_view text) {
  const auto table = Parse(text);
  return table.ok() ? Show(**table) : std::string(table.status().message());
}

TEST(TomlParserTest, ReadsTexts) {
  EXPECT_EQ(Read(R"(a = "b\t\"\\\u00e9\U0001F600")"), "{a:'b\t\"\\é😀'}");
  EXPECT_EQ(Read(R"(a = 'b\t"')"), "{a:'b\\t\"'}");
  EXPECT_EQ(Read("a = \"\"\nb = ''"), "{a:'',b:''}");
  EXPECT_EQ(Read("a = \"\"\"\none\ntwo\"\"\""), "{a:'one\ntwo'}");
  EXPECT_EQ(Read("a = \"\"\"one \\\r\n\r\n   two\"\"\""), "{a:'one two'}");
  EXPECT_EQ(Read("a = \"\"\"\"\"quoted\"\"\"\"\""), "{a:'\"\"quoted\"\"'}");
  EXPECT_EQ(Read("a = '''it''s'''"), "{a:'it''s'}");
}

TEST(TomlParserTest, ReadsNumbersAndFlags) {
  EXPECT_EQ(Read("a = [0, +1, -2, 1_000, 0xFf, 0o17, 0b1_0, true, false]"),
            "{a:[0,1,-2,1000,255,15,2,true,false]}");
  EXPECT_EQ(Read("a = [9223372036854775807, -9223372036854775808]"),
            "{a:[9223372036854775807,-9223372036854775808]}");
  for (const char* bad : {"01", "1_", "_1", "1__0", "0x", "0x-1", "9223372036854775808",
                          "-9223372036854775809", "0x8000000000000000", "99999999999999999999999",
                          "1.5", "inf", "1979-05-27", "64M", "True", "+", "-"})
    EXPECT_NE(Read(absl::StrCat("a = ", bad)).find(":5: "), std::string::npos) << bad;
}

TEST(TomlParserTest, ReadsKeysAndTables) {
  EXPECT_EQ(Read("a.b.'c d'.\"e\" = 1\na.b.f = 2"), "{a:{b:{c d:{e:1},f:2}}}");
  EXPECT_EQ(Read("[a.b]\nc = 1\n[a]\nd = 2 # why\n[ a . e ]"), "{a:{b:{c:1},d:2,e:{}}}");
  EXPECT_EQ(Read("[[a]]\n[[a.b]]\nc = 1\n[[a.b]]\n[[a]]\n[a.d]"), "{a:[{b:[{c:1},{}]},{d:{}}]}");
  EXPECT_EQ(Read("a = { b = 1, c.d = [ # why\n 2,\r\n], e = {} }"), "{a:{b:1,c:{d:[2]},e:{}}}");
  EXPECT_EQ(Read("\xef\xbb\xbf# a mark\r\n\t\r\na=1"), "{a:1}");
}

struct Mistake {
  std::string text;
  const char* place;
  const char* says;
};
const Mistake kMistakes[] = {
    // Inputs that crash parsers which trust them.
    {"[=bus]", "1:2: ", "expected a key"},
    {"a=[}", "1:4: ", "expected a value"},
    {"a=[", "1:4: ", "expected a value"},
    {"[", "1:2: ", "expected a key"},
    {"[[a]", "1:4: ", "]]"},
    {"a", "1:2: ", "expected ="},
    {"a = ", "1:5: ", "expected a value"},
    {"a = {", "1:6: ", "expected a key"},
    {"a = {b = 1,}", "1:12: ", "expected a key"},
    {"a = {b = 1\n}", "1:11: ", "expected , or }"},
    {"a = [1 2]", "1:8: ", "expected , or ]"},
    {"a = 1 b = 2", "1:7: ", "end of the line"},
    {"\n a = 'x", "2:6: ", "no closing '"},
    {"a = \"x\ny\"", "1:5: ", "no closing \""},
    {"a = \"\"\"x\"\"", "1:5: ", "no closing \"\"\""},
    {"\"\"\"a\"\"\" = 1", "1:1: ", "multi-line"},
    {"a = \"\\x\"", "1:7: ", "unknown escape"},
    {"a = \"\\u12\"", "1:10: ", "4 hex digits"},
    {"a = \"\\ud800\"", "1:12: ", "not a Unicode character"},
    {"a = \"\\U00110000\"", "1:16: ", "not a Unicode character"},
    // Characters.
    {"a = 'ü\xff'", "1:7: ", "0xff is not UTF-8"},
    {"a = '\x1b'", "1:6: ", "U+001B"},
    {"a = 1\n#\0"s, "2:2: ", "U+0000"},
    {"a = 1\rb = 2", "1:6: ", "U+000D"},
    // Keys that are defined twice, or in conflicting ways.
    {"a = 1\na = 2", "2:1: ", "is already defined"},
    {"[a]\n[a]", "2:2: ", "is already defined"},
    {"a = 1\n[a]", "2:2: ", "is already defined"},
    {"a = 1\n[a.b]", "2:2: ", "not a table"},
    {"a = 1\na.b = 2", "2:1: ", "is already defined"},
    {"[a.b]\n[a]\nb.c = 1", "3:1: ", "is already defined"},
    {"a = {}\n[a.b]", "2:2: ", "complete"},
    {"a = {}\na.b = 1", "2:1: ", "is already defined"},
    {"a = []\n[[a]]", "2:3: ", "not a list of tables"},
    {"[a]\n[[a]]", "2:3: ", "not a list of tables"},
    {"[[a]]\n[a]", "2:2: ", "is already defined"},
    {"a.b = 1\n[a]", "2:2: ", "is already defined"},
};

TEST(TomlParserTest, SaysWhereAMistakeIs) {
  for (const Mistake& mistake : kMistakes) {
    const std::string said = Read(mistake.text);
    EXPECT_EQ(said.find(mistake.place), 0u) << said << "\nin\n" << mistake.text;
    EXPECT_NE(said.find(mistake.says), std::string::npos) << said << "\nin\n" << mistake.text;
  }
}

std::string Repeat(absl::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) absl::StrAppend(&out, text);
  return out;
}

// A mebibyte of each: far more than a stack holds.
TEST(TomlParserTest, DepthIsBounded) {
  constexpr size_t kMany = 300000;
  for (const std::string& text :
       {Repeat("a.", kMany) + "a = 1", "a = " + Repeat("[", kMany),
        "[" + Repeat("a.", kMany) + "a]", "a = " + Repeat("{a=", kMany),
        "a = " + Repeat("[{a=", kMany / 2), "[[" + Repeat("a.", kMany) + "a]]"}) {
    const std::string said = Read(text);
    EXPECT_NE(said.find("more than 32 nested tables and lists"), std::string::npos)
        << said.substr(0, 200) << " of " << text.substr(0, 40);
  }
  EXPECT_EQ(Read("a = " + Repeat("[", 31) + Repeat("]", 31)).substr(0, 4), "{a:[");
  EXPECT_NE(Read("a = " + Repeat("[", 33) + Repeat("]", 33)).find("more than 32"),
            std::string::npos);
}

// Many of what is not deep is read: in linear time, else this test does not end.
TEST(TomlParserTest, LengthIsNot) {
  constexpr size_t kMany = 200000;
  EXPECT_TRUE(Parse("a = [" + Repeat("1,", kMany) + "]").ok());
  EXPECT_TRUE(Parse(Repeat("[[a]]\n", kMany)).ok());
  EXPECT_TRUE(Parse("a = '" + Repeat("\xc3\xa9", kMany) + "'").ok());
  EXPECT_TRUE(Parse(Repeat("#\n", kMany)).ok());
}

}  // namespace
}  // namespace nvdimmfs::backends::toml
