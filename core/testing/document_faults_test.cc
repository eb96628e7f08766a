// SPDX-License-Identifier: Apache-2.0
#include "core/testing/document_faults.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

using namespace std::string_literals;  // NOLINT: texts with NULs

constexpr char kXml[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

TEST(DocumentFaultsTest, TextForATerminal) {
  for (const auto& text : {""s, "plain\ntext"s, "größe 数据 \U0001f4be"s, "\\x1b"s})
    EXPECT_EQ("", TerminalFault(text));
  for (const auto& text :
       {"a\x1b[31m"s, "a\tb"s, "a\rb"s, "nul\0"s, "del\x7f"s, "c1 \xc2\x9b"s, "\u202e"s, "\u2066"s,
        "\u200b"s, "\u2028"s, "\ufeff"s, "\uffff"s, "\xff"s, "\xc3("s, "\xc0\x80"s, "\xe0\x80\x80"s,
        "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s})
    EXPECT_NE("", TerminalFault(text)) << text;
}

TEST(DocumentFaultsTest, Json) {
  for (const char* text :
       {"0", "-1.5e+3", "\"\"", "[]", "{}", " [1, {\"a\": null, \"b\": [true, false]}]\n",
        R"("\u202e \ud83d\udcbe \\ \/ \"")", "\"größe\""})
    EXPECT_EQ("", JsonFault(text)) << text;
  for (const char* text :
       {"",       "[",         "[1,]",        "{\"a\":1,}",  "{a:1}",       "{\"a\":1,\"a\":2}",
        "01",     "+1",        "1.",          ".5",          "1e",          "\"",
        "\"\n\"", R"("\x41")", R"("\u12g4")", R"("\udc00")", R"("\ud800")", R"("\ud800\u0041")",
        "1 2",    "nul",       "\"\xff\"",    "\"\u202e\"",  "'a'"})
    EXPECT_NE("", JsonFault(text)) << text;
  EXPECT_EQ("", JsonFault(std::string(64, '[') + std::string(64, ']')));
  EXPECT_NE("", JsonFault(std::string(100000, '[')));
}

TEST(DocumentFaultsTest, Xml) {
  for (const char* text :
       {"<a/>", "<a></a>\n", "<a b=\"1\" c=\"&lt;&quot;\"><d/>text &amp; &apos;\n</a >",
        "<svg xmlns:x=\"y\"><text>größe \\x1b</text></svg>"})
    EXPECT_EQ("", XmlFault(absl::StrCat(kXml, text))) << text;
  for (const char* text :
       {"", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a b=1/>", "<a b=\"1\"c=\"2\"/>",
        "<a b=\"1\" b=\"2\"/>", "<a b=\"<\"/>", "<a>&</a>", "<a>&nbsp;</a>", "<a>&#27;</a>",
        "<a>]]></a>", "<a><!-- --></a>", "<a>\x1b</a>", "<a>\xff</a>", "<a/>text", "<1/>", "<a"})
    EXPECT_NE("", XmlFault(absl::StrCat(kXml, text))) << text;
  EXPECT_NE("", XmlFault("<a/>"));
}

TEST(DocumentFaultsTest, Metrics) {
  const auto fault = [](const std::string& lines) {
    return MetricsFault(absl::StrCat("# TYPE a gauge\n# HELP a Help.\n", lines, "# EOF\n"));
  };
  for (const char* lines : {"", "a 1\n", "a{b=\"c\"} 1\na{b=\"d\",e=\"\\\\ \\\"\"} 2\n",
                            "a 1\n# TYPE b gauge\n# HELP b Help.\nb 2\n"})
    EXPECT_EQ("", fault(lines)) << lines;
  for (const char* lines :
       {"b 1\n", "a 1\na 1\n", "a{b=\"c\"} 1\na{b=\"c\"} 2\n", "a{b=\"c\",b=\"d\"} 1\n",
        "a{b=\"\\x\"} 1\n", "a{b=\"c} 1\n", "a{} 1\n", "a{b=c} 1\n", "a -1\n", "a\n", "a 1 2\n",
        "# TYPE a gauge\n", "\n", "# EOF\n", "# TYPE b gauge\nb 1\n"})
    EXPECT_NE("", fault(lines)) << lines;
  EXPECT_NE("", MetricsFault("# EOF"));
  EXPECT_NE("", MetricsFault(""));
}

}  // namespace
}  // namespace nvdimmfs::core
