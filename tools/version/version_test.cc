// SPDX-License-Identifier: Apache-2.0
#include "tools/version/version.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nvdimmfs::tools {
namespace {

using ::testing::MatchesRegex;

TEST(Version, SaysProgramCommitLibrariesAndKernel) {
  EXPECT_THAT(VersionText("nvdimmfs"),
              MatchesRegex("nvdimmfs [0-9]+\\.[0-9]+\\.[0-9]+\n"
                           "commit [^\n]+\n"
                           "linked with ([a-z0-9.+-]+ [0-9][^ ,\n]*, )*fuse3 3[^\n]+\n"
                           "the kernel's FUSE (7\\.[0-9]+ |is unknown: )[^\n]+"));
}

}  // namespace
}  // namespace nvdimmfs::tools
