// SPDX-License-Identifier: Apache-2.0
#include "core/model/alias_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace nvdimmfs::core {
namespace {

using Outcome = AliasTable::Outcome;

TEST(AliasTableTest, TheFirstKeepsItAndTheNextTakesOver) {
  AliasTable table;
  EXPECT_EQ(table.Claim("db", "disk0"), Outcome::kMoves);
  EXPECT_EQ(table.Claim("db", "disk1"), Outcome::kStays);
  EXPECT_EQ(table.Claim("db", "disk2"), Outcome::kStays);
  EXPECT_EQ(table.Owner("db"), "disk0");
  EXPECT_EQ(table.Release("db", "disk1"), Outcome::kStays);
  EXPECT_EQ(table.Release("db", "disk0"), Outcome::kMoves);
  EXPECT_EQ(table.Owner("db"), "disk2");
  // Back again it is the last.
  EXPECT_EQ(table.Claim("db", "disk0"), Outcome::kStays);
  EXPECT_EQ(table.Release("db", "disk2"), Outcome::kMoves);
  EXPECT_EQ(table.Release("db", "disk0"), Outcome::kGoes);
  EXPECT_EQ(table.Owner("db"), std::nullopt);
}

TEST(AliasTableTest, ASecondClaimByOneTargetCountsAsNone) {
  AliasTable table;
  table.Claim("uuid", "disk0");
  EXPECT_EQ(table.Claim("uuid", "disk0"), Outcome::kStays);
  EXPECT_EQ(table.Release("uuid", "disk0"), Outcome::kGoes);
  EXPECT_EQ(table.Release("uuid", "disk0"), Outcome::kStays);
}

TEST(AliasTableTest, OutcomesTellOfEveryChangeOfOwner) {
  std::mt19937_64 random(1);
  AliasTable table;
  std::map<std::string, std::vector<std::string>> queues;
  for (int step = 0; step < 20000; ++step) {
    const std::string alias(1, static_cast<char>('a' + random() % 3));
    const std::string target(1, static_cast<char>('0' + random() % 5));
    std::vector<std::string>& queue = queues[alias];
    const auto before = table.Owner(alias);
    const auto at = std::find(queue.begin(), queue.end(), target);
    const bool claims = random() % 2 == 0;
    if (claims && at == queue.end()) queue.push_back(target);
    if (!claims && at != queue.end()) queue.erase(at);
    const Outcome outcome = claims ? table.Claim(alias, target) : table.Release(alias, target);
    const auto after = table.Owner(alias);
    ASSERT_EQ(after, queue.empty() ? std::nullopt : std::optional(queue.front()));
    ASSERT_EQ(outcome, before == after ? Outcome::kStays
                       : after         ? Outcome::kMoves
                                       : Outcome::kGoes);
  }
}

}  // namespace
}  // namespace nvdimmfs::core
