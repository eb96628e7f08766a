#include "tools/volumes/job.h"

#include <cerrno>
#include <thread>

#include "absl/time/clock.h"
#include "core/status.h"
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

}  // namespace
}  // namespace nvdimmfs::volumes
