// SPDX-License-Identifier: Apache-2.0
// The length of a command's buffer, from sizes that any caller may have written.
#include "tools/shell/command_client.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

namespace nvdimmfs::tools {
namespace {

constexpr bool kDimm = true, kBus = false;
constexpr uint32_t kAll = UINT32_MAX;

// Asks as callers do, with exactly the bytes asked for. Returns the length and the bytes examined.
std::pair<uint64_t, size_t> Ask(bool dimm, unsigned nr,
                                std::vector<std::pair<size_t, uint32_t>> words) {
  std::vector<unsigned char> seen;
  while (true) {
    const uint64_t length = nvdimmfs_command_length(dimm, nr, seen.data(), seen.size());
    if (length <= seen.size() || length > NVDIMMFS_COMMAND_LIMIT) return {length, seen.size()};
    seen.assign(length, 0);
    for (const auto& [offset, value] : words)
      if (offset + sizeof value <= seen.size())
        std::memcpy(seen.data() + offset, &value, sizeof value);
  }
}
uint64_t Length(bool dimm, unsigned nr, std::vector<std::pair<size_t, uint32_t>> words = {}) {
  return Ask(dimm, nr, std::move(words)).first;
}

TEST(CommandLength, IsTheStructuresWhereNothingFollows) {
  EXPECT_EQ(Length(kDimm, 3), 8u);
  EXPECT_EQ(Length(kDimm, 4), 12u);
  EXPECT_EQ(Length(kBus, 1), 32u);
  EXPECT_EQ(Length(kBus, 2), 32u);
  EXPECT_EQ(Length(kBus, 4), 32u);
}

TEST(CommandLength, IsWhatItsFieldsSay) {
  EXPECT_EQ(Length(kDimm, 5, {{4, 100}}), 112u);
  EXPECT_EQ(Length(kDimm, 6, {{4, 100}}), 112u);
  EXPECT_EQ(Length(kDimm, 9, {{4, 8}, {20, 16}}), 40u);
  EXPECT_EQ(Length(kBus, 3, {{4, 0}}), 8u);
  EXPECT_EQ(Length(kBus, 3, {{4, 4096}}), 4096u);
  for (const bool dimm : {kDimm, kBus}) EXPECT_EQ(Length(dimm, 10, {{16, 4}, {20, 12}}), 80u);
}

TEST(CommandLength, IsNothingForWhatIsUnknown) {
  EXPECT_EQ(Length(kDimm, 0), 0u);
  EXPECT_EQ(Length(kDimm, 77), 0u);
  EXPECT_EQ(Length(kBus, 5), 0u);
}

TEST(CommandLength, DoesNotWrapAndLooksNoFurther) {
  using Answer = std::pair<uint64_t, size_t>;
  EXPECT_EQ(Ask(kDimm, 5, {{4, kAll}}), Answer(12ull + kAll, 8));
  EXPECT_EQ(Ask(kDimm, 9, {{4, kAll}}), Answer(16ull + kAll, 8));
  EXPECT_EQ(Ask(kDimm, 9, {{4, 8}, {20, kAll}}), Answer(24ull + kAll, 24));
  EXPECT_EQ(Ask(kBus, 3, {{4, kAll}}), Answer(kAll, 8));
  EXPECT_EQ(Ask(kBus, 10, {{16, kAll}, {20, kAll}}), Answer(64ull + kAll + kAll, 64));
}

}  // namespace
}  // namespace nvdimmfs::tools
