// SPDX-License-Identifier: Apache-2.0
#include "core/base/input.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

TEST(ParseUnsigned, TakesTheKernelsGrammar) {
  const std::pair<const char*, uint64_t> kGood[] = {{"0", 0},
                                                    {"10\n", 10},
                                                    {"+7", 7},
                                                    {"0x1F\n", 31},
                                                    {"0Xff", 255},
                                                    {"010", 8},
                                                    {"0", 0},
                                                    {"18446744073709551615", UINT64_MAX},
                                                    {"0xffffffffffffffff\n", UINT64_MAX}};
  for (const auto& [text, value] : kGood) {
    const auto parsed = ParseUnsigned(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, value) << text;
  }
}

TEST(ParseUnsigned, RefusesEverythingElse) {
  for (const char* text :
       {"", "\n", " 1", "-1", "1 ", "1\n\n", "++1", "0x", "0xg", "08", "1k", "x"})
    EXPECT_EQ(ErrnoOf(ParseUnsigned(text).status()), EINVAL) << text;
  for (const char* text : {"18446744073709551616", "0x10000000000000000", "99999999999999999999x"})
    EXPECT_EQ(ErrnoOf(ParseUnsigned(text).status()), ERANGE) << text;
}

TEST(ParseSigned, TakesAMinus) {
  EXPECT_EQ(*ParseSigned("-1\n"), -1);
  EXPECT_EQ(*ParseSigned("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(ErrnoOf(ParseSigned("9223372036854775808").status()), ERANGE);
  EXPECT_EQ(ErrnoOf(ParseSigned("-+1").status()), EINVAL);
}

TEST(ParseBool, LooksAtTheFirstCharacters) {
  for (const Kernel kernel : kKernels) {
    for (const char* text : {"y", "Yes", "1", "1x", "t", "on", "oN\n", "ON"})
      EXPECT_TRUE(*ParseBool(text, kernel)) << text;
    for (const char* text : {"n", "No", "0", "f", "oFf", "off\n"})
      EXPECT_FALSE(*ParseBool(text, kernel)) << text;
    for (const char* text : {"", "2", "x", "o", "oq", "\n"})
      EXPECT_EQ(ErrnoOf(ParseBool(text, kernel).status()), EINVAL) << text;
  }
}

TEST(ParseBool, TakesEnableAndDisableFrom73On) {
  for (const char* text : {"e", "Enabled", "d", "disable\n", "Don"})
    for (const Kernel kernel : {Kernel::k6_1, Kernel::k6_12})
      EXPECT_EQ(ErrnoOf(ParseBool(text, kernel).status()), EINVAL) << text;
  for (const char* text : {"e", "Enabled"}) EXPECT_TRUE(*ParseBool(text, Kernel::k7_3)) << text;
  for (const char* text : {"d", "disable\n", "Don"})
    EXPECT_FALSE(*ParseBool(text, Kernel::k7_3)) << text;
}

TEST(ParseUuid, IgnoresWhatFollows) {
  EXPECT_TRUE(ParseUuid("11111111-2222-3333-4444-555555555501xyz").ok());
  for (const char* text :
       {"{1111111-2222-3333-4444-555555555501}", "1111111122223333444455555555550112345",
        "11111111-2222-3333-4444-55555555550"})
    EXPECT_EQ(ErrnoOf(ParseUuid(text).status()), EINVAL) << text;
}

TEST(ParseSize, TakesUnits) {
  EXPECT_EQ(*ParseSize("64M"), uint64_t{64} << 20);
  EXPECT_EQ(*ParseSize("2t"), uint64_t{2} << 40);
  EXPECT_EQ(*ParseSize("4096"), 4096u);
  EXPECT_EQ(*ParseSize("64MiB"), uint64_t{64} << 20);
  EXPECT_EQ(*ParseSize("64mib"), uint64_t{64} << 20);
  EXPECT_EQ(*ParseSize("64MB"), 64'000'000u);
  EXPECT_EQ(*ParseSize("3kB"), 3000u);
  EXPECT_EQ(*ParseSize("1TiB"), uint64_t{1} << 40);
  EXPECT_EQ(*ParseSize("512B"), 512u);
  EXPECT_EQ(*ParseSize("0x1b"), 27u);
  EXPECT_EQ(*ParseSize("0x10M"), uint64_t{16} << 20);
  for (const char* text : {"", "M", "B", "iB", "MiB", "64iB", "64Mi", "64 MB", "1.5G", "-1", "0x"})
    EXPECT_EQ(ErrnoOf(ParseSize(text).status()), EINVAL) << text;
  for (const char* text : {"99999999999T", "99999999999TB", "16777216TiB"})
    EXPECT_EQ(ErrnoOf(ParseSize(text).status()), ERANGE) << text;
}

TEST(FormatChoices, EndsInABlank) {
  EXPECT_EQ(FormatChoices({512, 4096}, 4096), "512 [4096] \n");
  EXPECT_EQ(FormatChoices({512, 4096}, 0), "512 4096 \n");
}

}  // namespace
}  // namespace nvdimmfs::core
