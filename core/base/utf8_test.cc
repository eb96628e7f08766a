// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace nvdimmfs::core {
namespace {

using std::string_literals::operator""s;

// What shows stays as it is, whatever the script.
constexpr const char* kPlain[] = {"", "db", "a<b>&\"'", "größe", "数据", "\xf0\x9f\x92\xbe"};

struct Hostile {
  std::string text;
  std::string escaped;  // as a sentence
  std::string json;
};
const Hostile kHostile[] = {
    // Control characters.
    {"a\x1b[31m", "a\\x1b[31m", "a\\u001b[31m"},
    {"\a\b\t\r", "\\x07\\x08\\x09\\x0d", "\\u0007\\u0008\\u0009\\u000d"},
    {"a\0b"s, "a\\x00b", "a\\u0000b"},
    {"\x7f", "\\x7f", "\\u007f"},
    {"\xc2\x9b", "\\xc2\\x9b", "\\u009b"},
    // Direction, width.
    {"\xe2\x80\xae", "\\xe2\\x80\\xae", "\\u202e"},
    {"\xe2\x81\xa6", "\\xe2\\x81\\xa6", "\\u2066"},
    {"\xe2\x80\x8b", "\\xe2\\x80\\x8b", "\\u200b"},
    {"\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\\u2028"},
    {"\xef\xbb\xbf", "\\xef\\xbb\\xbf", "\\ufeff"},
    {"\xf3\xa0\x80\x81", "\\xf3\\xa0\\x80\\x81", "\\udb40\\udc01"},
    // Non-characters.
    {"\xef\xbf\xbf", "\\xef\\xbf\\xbf", "\\uffff"},
    {"\xf0\x9f\xbf\xbe", "\\xf0\\x9f\\xbf\\xbe", "\\ud83f\\udffe"},
    // Not UTF-8.
    {"a\xff"
     "b",
     "a\\xffb",
     "a\xef\xbf\xbd"
     "b"},
    {"\xc3", "\\xc3", "\xef\xbf\xbd"},                       // cut short
    {"\xc0\xaf", "\\xc0\\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},  // longer than needed
    {"\xed\xa0\x80", "\\xed\\xa0\\x80",                      // a surrogate
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",  // above U+10FFFF
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xe4x", "\\xe4x", "\xef\xbf\xbdx"},
};

TEST(Utf8Test, WhatShowsStays) {
  for (const char* text : kPlain) {
    EXPECT_EQ(EscapeName(text), text);
    EXPECT_EQ(EscapeSentence(text), text);
    EXPECT_EQ(EscapeJson(text), text);
  }
}

TEST(Utf8Test, WhatDoesNotShowIsEscaped) {
  for (const Hostile& hostile : kHostile) {
    EXPECT_EQ(EscapeName(hostile.text), hostile.escaped);
    EXPECT_EQ(EscapeSentence(hostile.text), hostile.escaped);
    EXPECT_EQ(EscapeText(hostile.text), hostile.escaped);
    EXPECT_EQ(EscapeJson(hostile.text), hostile.json);
  }
}

TEST(Utf8Test, LinesOfADocumentStay) {
  EXPECT_EQ(EscapeJson("{\n}\n"), "{\n}\n");
  EXPECT_EQ(EscapeText("a\n\tb\n"), "a\n\\x09b\n");
  EXPECT_EQ(EscapeSentence("a\nb"), "a\\x0ab");
  EXPECT_EQ(EscapeName("a\nb"), "a\\x0ab");
}

TEST(Utf8Test, DifferentNamesStayDifferentAndSentencesCanBeEscapedTwice) {
  EXPECT_EQ(EscapeName("\\x1b"), "\\x5cx1b");
  EXPECT_EQ(EscapeName("\x1b"), "\\x1b");
  EXPECT_EQ(EscapeSentence(EscapeSentence("\x1b")), "\\x1b");
}

// Whatever the bytes, escaped text holds only characters that show.
TEST(Utf8Test, EveryCodePointIsKeptOrEscaped) {
  for (uint32_t code = 0; code <= 0x10ffff; ++code) {
    std::string text;
    if (code < 0x80) {
      text = {static_cast<char>(code)};
    } else if (code < 0x800) {
      text = {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
    } else if (code < 0x10000) {
      text = {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
              static_cast<char>(0x80 | (code & 0x3f))};
    } else {
      text = {static_cast<char>(0xf0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3f)),
              static_cast<char>(0x80 | (code >> 6 & 0x3f)),
              static_cast<char>(0x80 | (code & 0x3f))};
    }
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    ASSERT_EQ(FirstCharacter(text).length, surrogate ? 0 : text.size()) << code;
    ASSERT_EQ(FirstCharacter(text).code, surrogate ? 0 : code);
    const std::string escaped = EscapeSentence(text);
    if (escaped == text) continue;
    ASSERT_EQ(escaped.size(), 4 * text.size()) << code;
    for (const char c : escaped) ASSERT_TRUE(c >= ' ' && c < 0x7f) << code;
  }
}

TEST(QuoteJson, EscapesWhatAJsonStringCannotHold) {
  EXPECT_EQ(QuoteJson(""), "\"\"");
  EXPECT_EQ(QuoteJson("a\\b\"c\nd"), "\"a\\\\b\\\"c\\nd\"");
  EXPECT_EQ(QuoteJson("a\t\xff"), "\"a\\u0009\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace nvdimmfs::core
