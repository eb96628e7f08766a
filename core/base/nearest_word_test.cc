// SPDX-License-Identifier: Apache-2.0
#include "core/base/nearest_word.h"

#include <gtest/gtest.h>

namespace nvdimmfs::core {
namespace {

TEST(NearestWordTest, FindsWhatWasMeant) {
  const std::vector<std::string> words = {"create", "list", "check", "map", "shell", "help"};
  for (const auto& [typed, meant] :
       std::vector<std::pair<const char*, const char*>>{{"chek", "check"},
                                                        {"chekc", "check"},
                                                        {"lst", "list"},
                                                        {"lits", "list"},
                                                        {"mpa", "map"},
                                                        {"craete", "create"},
                                                        {"creat", "create"},
                                                        {"shel", "shell"},
                                                        {"lists", "list"},
                                                        {"cre", "create"},
                                                        {"hlep", "help"}})
    EXPECT_EQ(NearestWord(typed, words), meant) << typed;
  for (const char* typed : {"", "x", "vm.img", "mount", "info", "c", "ch3", "demolish"})
    EXPECT_EQ(NearestWord(typed, words), "") << typed;
}

TEST(NearestWordTest, TakesEitherCaseAndTheEndOfAWord) {
  const std::vector<std::string> words = {"size", "mode", "fstype", "sector_size", "ro"};
  for (const char* typed : {"sise", "sze", "sizee", "SIZE", "isze"})
    EXPECT_EQ(NearestWord(typed, words), "size") << typed;
  EXPECT_EQ(NearestWord("type", words), "fstype");
  EXPECT_EQ(NearestWord("sectorsize", words), "sector_size");
  for (const char* typed : {"capacity", "owner", "xyzzy"})
    EXPECT_EQ(NearestWord(typed, words), "") << typed;
  EXPECT_EQ(NearestWord(std::string(1000, 's'), words), "");
}

TEST(NearestWordTest, MakesASentence) {
  EXPECT_EQ(DidYouMean("--sise", {"--size", "--label-size"}), "; did you mean --size?");
  EXPECT_EQ(DidYouMean("--frobnicate", {"--size"}), "");
}

}  // namespace
}  // namespace nvdimmfs::core
