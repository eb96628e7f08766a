#include "core/base/near_word.h"

#include <string>

#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

constexpr absl::string_view kWords[] = {"size", "mode", "fstype", "sector_size", "ro"};

TEST(NearWord, FindsWhatWasMeant) {
  for (const char* text : {"sise", "sze", "sizee", "SIZE", "isze"})
    EXPECT_EQ(NearWord(text, kWords), "size") << text;
  EXPECT_EQ(NearWord("type", kWords), "fstype");
  EXPECT_EQ(NearWord("sectorsize", kWords), "sector_size");
}

TEST(NearWord, SaysNothingRatherThanAnything) {
  for (const char* text : {"", "x", "capacity", "owner", "xyzzy"})
    EXPECT_EQ(NearWord(text, kWords), "") << text;
  EXPECT_EQ(NearWord(std::string(1000, 's'), kWords), "");
}

}  // namespace
}  // namespace nvdimmfs::core
