// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/job.h"

#include <cerrno>
#include <thread>

#include "absl/time/clock.h"
#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::volumes {
namespace {

const absl::Status kLate = core::Refusal(EAGAIN, "late", "late");
const absl::Status kFailed = core::Refusal(EIO, "failed", "failed");

TEST(Job, WhatIsDoneInTimeGivesItsOwnStatus) {
  Job job;
  std::thread worker([&] { job.Finish(kFailed); });
  EXPECT_EQ(job.Wait(absl::InfiniteFuture(), kLate), kFailed);
  worker.join();
}

TEST(Job, WhoWasToldThatItDidNotHappenIsRight) {
  Job job;
  EXPECT_EQ(job.Wait(absl::Now(), kLate), kLate);
  EXPECT_FALSE(job.Commit());
}

TEST(Job, WhatIsCommittedIsFinishedBehind) {
  Job job;
  EXPECT_TRUE(job.Commit());
  EXPECT_TRUE(job.Wait(absl::Now(), kLate).ok());
  EXPECT_TRUE(job.Commit());
}

TEST(Job, WhoLeftBelievesWhatItWasTold) {
  Job committed;
  EXPECT_TRUE(committed.Commit());
  EXPECT_TRUE(committed.Wait(absl::Now(), kLate).ok());
  EXPECT_FALSE(committed.Fail());
  Job late;
  EXPECT_EQ(late.Wait(absl::Now(), kLate), kLate);
  EXPECT_TRUE(late.Fail());
}

TEST(Job, WhoIsHeldHearsTheEndAfterTheDeadline) {
  Job job;
  EXPECT_TRUE(job.Commit());
  EXPECT_TRUE(job.Fail());
  std::thread worker([&] {
    absl::SleepFor(absl::Milliseconds(20));
    job.Finish(kFailed);
  });
  EXPECT_EQ(job.Wait(absl::Now(), kLate), kFailed);
  worker.join();
}

}  // namespace
}  // namespace nvdimmfs::volumes
