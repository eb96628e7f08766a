#include "core/base/utf8.h"

#include <gtest/gtest.h>

namespace nvdimmfs::core {
namespace {

constexpr char kBad[] = "\xef\xbf\xbd";

TEST(PrintableUtf8Test, KeepsWhatIsWellFormed) {
  for (const char* text : {"", "db", "a<b>&\"'", "größe", "数据", "\xf0\x9f\x92\xbe"})
    EXPECT_EQ(PrintableUtf8(text), text);
}

TEST(PrintableUtf8Test, ReplacesEachByteThatIsNot) {
  const std::string bad = kBad;
  EXPECT_EQ(PrintableUtf8("a\xff"
                          "b"),
            "a" + bad + "b");
  EXPECT_EQ(PrintableUtf8("\xc3"), bad);                                // cut short
  EXPECT_EQ(PrintableUtf8("\xc0\xaf"), bad + bad);                      // overlong
  EXPECT_EQ(PrintableUtf8("\xed\xa0\x80"), bad + bad + bad);            // a surrogate
  EXPECT_EQ(PrintableUtf8("\xf4\x90\x80\x80"), bad + bad + bad + bad);  // above U+10FFFF
  EXPECT_EQ(PrintableUtf8("\xe4x"), bad + "x");
  EXPECT_EQ(PrintableUtf8("\xef\xbf\xbf"), bad + bad + bad);
}

TEST(PrintableUtf8Test, ReplacesControlCharacters) {
  const std::string bad = kBad;
  EXPECT_EQ(PrintableUtf8(absl::string_view("a\0b\n\x1b\x7f", 6)),
            "a" + bad + "b" + bad + bad + bad);
  EXPECT_EQ(PrintableUtf8("\xc2\x85"), bad + bad);
}

}  // namespace
}  // namespace nvdimmfs::core
