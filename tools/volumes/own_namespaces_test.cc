// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/own_namespaces.h"

#include "gtest/gtest.h"

namespace nvdimmfs::volumes {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

TEST(OwnNamespaces, AreOwnUntilAnHourAfterTheyWereFreed) {
  OwnNamespaces own;
  EXPECT_FALSE(own.Has("a"));
  own.Add("a");
  own.Add("b");
  own.NoteFreed("a", kStart);
  own.Prune(kStart + absl::Minutes(59));
  EXPECT_TRUE(own.Has("a"));
  own.Prune(kStart + absl::Minutes(61));
  EXPECT_FALSE(own.Has("a"));
  EXPECT_TRUE(own.Has("b"));
}

TEST(OwnNamespaces, AnotherRemovalKeepsTheTimeOfTheFirst) {
  OwnNamespaces own;
  own.NoteFreed("a", kStart);
  own.Add("a");
  own.Prune(kStart + absl::Minutes(61));
  EXPECT_FALSE(own.Has("a"));
}

TEST(OwnNamespaces, ThoseThatOthersDestroyedAreDropped) {
  OwnNamespaces own;
  own.Add("a");
  own.Drop("a");
  EXPECT_FALSE(own.Has("a"));
}

}  // namespace
}  // namespace nvdimmfs::volumes
