// SPDX-License-Identifier: Apache-2.0
#include "core/media/badblocks.h"

#include <cerrno>

#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

TEST(Badblocks, AreSectorsInAscendingOrder) {
  EXPECT_EQ(FormatBadblocks({}), "");
  EXPECT_EQ(FormatBadblocks({{0, 512}, {8192, 4096}}), "0 1\n16 8\n");
}

TEST(Badblocks, WidenToSectorsAndShareThem) {
  EXPECT_EQ(FormatBadblocks({{100, 1}}), "0 1\n");
  EXPECT_EQ(FormatBadblocks({{0, 256}, {256 + 100, 10}, {512, 1}}), "0 2\n");
}

TEST(Badblocks, AnEntryHasAtMost512Sectors) {
  EXPECT_EQ(FormatBadblocks({{0, 1000 * 512}}), "0 512\n512 488\n");
  EXPECT_EQ(CountBadblocks({{0, 1000 * 512}, {1001 * 512, 1}}), 3u);
}

TEST(Badblocks, FillAtMostAPageWithWholeLines) {
  std::vector<Range> bad;
  for (uint64_t i = 0; i < 1000; ++i) bad.push_back({(100000 + i * 2) * 512, 512});
  const std::string text = FormatBadblocks(bad);
  EXPECT_EQ(text.size(), 4096u / 9 * 9);
  EXPECT_EQ(text.back(), '\n');
}

TEST(Badblocks, AreParsedAsTheKernelDoes) {
  for (const char* good : {"16 8\n", "16 8", " 16 \t 8\n", "16\n8", "16 8\nmore"})
    EXPECT_EQ(ParseBadblock(good).value(), (Range{8192, 4096})) << good;
  for (const char* bad :
       {"", "\n", "16", "16 0", "16 -1", "-16 8", "+1 8", "x 8", "16 8 ", "16 8x", "16 2147483648",
        "0x10 8", "36028797018963968 1", "36028797018963967 2", "18446744073709551616 1"})
    EXPECT_EQ(ErrnoOf(ParseBadblock(bad).status()), EINVAL) << bad;
}

}  // namespace
}  // namespace nvdimmfs::core
