// SPDX-License-Identifier: Apache-2.0
#include "btt/shards.h"

#include <array>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace nvdimmfs::btt {
namespace {

TEST(ShardLocksTest, OneHolderAtATimeOfEachShardOfARange) {
  ShardTable table;
  // Unguarded but for the locks: thread sanitizer watches, and lost updates show.
  std::array<uint64_t, 3> counts{};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        // Lines 0, 1, 2; 1 and 2; 2 alone.
        const uint32_t first = static_cast<uint32_t>(t + i) % 3;
        ShardLocks locks(table, first * ShardTable::kEntriesPerLine + 5,
                         (2 - first) * ShardTable::kEntriesPerLine + 1);
        for (size_t line = first; line < 3; ++line) {
          const uint64_t before = counts[line];
          if (i % 256 == 0) std::this_thread::yield();  // a thread that should wait gets its chance
          counts[line] = before + 1;
        }
      }
    });
  for (auto& thread : threads) thread.join();
  std::array<uint64_t, 3> expected{};
  for (int t = 0; t < 4; ++t)
    for (int i = 0; i < 5000; ++i)
      for (int line = (t + i) % 3; line < 3; ++line) ++expected[line];
  EXPECT_EQ(counts, expected);
}

TEST(ShardLocksTest, TheTableEndsInItsBeginningAndLocksAscend) {
  ShardTable table;
  // The last shard and the first: from both sides, again and again: no thread waits forever.
  constexpr uint32_t kSeam = ShardTable::kCount * ShardTable::kEntriesPerLine;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) ShardLocks locks(table, kSeam - 1 - 16 * (t % 2), 33);
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace nvdimmfs::btt
