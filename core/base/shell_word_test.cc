// SPDX-License-Identifier: Apache-2.0
#include "core/base/shell_word.h"

#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

TEST(ShellWordTest, APlainWordStaysAsItIs) {
  for (const char* word : {"vm.img", "/mnt/nd-0_a", "a,size=1M", "user@host:x%2+3"})
    EXPECT_EQ(ShellWord(word), word);
}

TEST(ShellWordTest, WhatAShellWouldReadIsQuoted) {
  EXPECT_EQ(ShellWord(""), "''");
  EXPECT_EQ(ShellWord("a b"), "'a b'");
  EXPECT_EQ(ShellWord("$(rm)"), "'$(rm)'");
  EXPECT_EQ(ShellWord("~/*"), "'~/*'");
  EXPECT_EQ(ShellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellWord("h\xc3\xa9"), "'h\xc3\xa9'");
}

}  // namespace
}  // namespace nvdimmfs::core
