// SPDX-License-Identifier: Apache-2.0
#include "tools/lock_order/lock_order.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"

namespace nvdimmfs::tools {
namespace {

// Death tests, which change it, run first.
const std::string& AtStart() {
  static const std::string value = [] {
    const char* const wanted = getenv(kLockOrderVariable);
    return std::string(wanted == nullptr ? "unset" : wanted);
  }();
  return value;
}
[[maybe_unused]] const bool read_at_start = !AtStart().empty();

// No thread waits, but two that did the two halves at once might, for ever.
void TakeInBothOrders() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  absl::Mutex first, second;
  { const absl::MutexLock one(&first), two(&second); }
  const absl::MutexLock one(&second), two(&first);
}

TEST(LockOrderDeathTest, UnitTestsCheckTheirLocks) {
  EXPECT_DEATH(TakeInBothOrders(), "Potential Mutex deadlock");
}

TEST(LockOrderDeathTest, ProgramsCheckThemWhereATestAsksForIt) {
  ASSERT_EQ(setenv(kLockOrderVariable, "abort", 1), 0);
  EXPECT_DEATH(
      {
        ChooseLockOrderChecks();
        TakeInBothOrders();
      },
      "Potential Mutex deadlock");
}

TEST(LockOrderDeathTest, ProgramsDoNotOtherwise) {
  for (const char* const other : {"", "ignore"}) {
    ASSERT_EQ(setenv(kLockOrderVariable, other, 1), 0);
    EXPECT_EXIT(
        {
          ChooseLockOrderChecks();
          TakeInBothOrders();
          _exit(7);
        },
        testing::ExitedWithCode(7), "");
  }
}

TEST(LockOrderTest, BazelAsksForIt) {
  EXPECT_EQ(AtStart(), "abort") << "test --test_env in .bazelrc";
}

}  // namespace
}  // namespace nvdimmfs::tools
