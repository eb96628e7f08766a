// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/background_work.h"

#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tools/volumes/volume_table.h"

namespace nvdimmfs::volumes {
namespace {

const absl::Status kLate = core::Refusal(EAGAIN, "late", "late");
const absl::Status kFailed = core::Refusal(EIO, "failed", "failed");

class BackgroundWorkTest : public testing::Test {
 protected:
  ClaimedVolume NewClaim() {
    Volume volume;
    volume.record.name = "v";
    volume.doing = "being made";
    ClaimedVolume claim = *table_.Add(std::move(volume));
    claim.ForgetWhenReleased(false);
    return claim;
  }

  Journal journal_{testing::TempDir()};
  VolumeTable table_{journal_};
};

TEST_F(BackgroundWorkTest, TheClaimEndsBeforeTheJobDoes) {
  BackgroundWork background;
  const auto job = background.Start(NewClaim(), [](ClaimedVolume& volume, Job&) {
    EXPECT_EQ(volume.name(), "v");
    return kFailed;
  });
  EXPECT_EQ(job->Wait(absl::InfiniteFuture(), kLate), kFailed);
  EXPECT_TRUE(table_.Claim("v", "being tested", absl::InfinitePast()).ok());
}

TEST_F(BackgroundWorkTest, AClaimThatWorkPassesOnStays) {
  BackgroundWork background;
  std::optional<ClaimedVolume> kept;
  const auto job = background.Start(NewClaim(), [&](ClaimedVolume& volume, Job&) {
    kept = std::move(volume);
    return absl::OkStatus();
  });
  EXPECT_TRUE(job->Wait(absl::InfiniteFuture(), kLate).ok());
  EXPECT_FALSE(table_.Claim("v", "being tested", absl::InfinitePast()).ok());
}

TEST_F(BackgroundWorkTest, ACallerThatLeavesFindsTheVolumeBusy) {
  BackgroundWork background;
  absl::Notification end;
  const auto job = background.Start(NewClaim(), [&](ClaimedVolume&, Job& self) {
    self.Commit();
    end.WaitForNotification();
    return absl::OkStatus();
  });
  job->Wait(absl::Now(), kLate).IgnoreError();
  EXPECT_FALSE(table_.Claim("v", "being tested", absl::InfinitePast()).ok());
  EXPECT_FALSE(background.AwaitIdle(absl::Now()));
  end.Notify();
  EXPECT_TRUE(background.AwaitIdle(absl::InfiniteFuture()));
  EXPECT_TRUE(table_.Claim("v", "being tested", absl::InfinitePast()).ok());
}

TEST_F(BackgroundWorkTest, TheEndWaitsForWork) {
  std::atomic<int> done = 0;
  {
    BackgroundWork background;
    for (int i = 0; i < 8; ++i)
      EXPECT_TRUE(background.Spawn([&done] {
        absl::SleepFor(absl::Milliseconds(10));
        ++done;
      }));
    background.Run([&done, moved = std::make_unique<int>(1)] { done += *moved; });
  }
  EXPECT_EQ(done, 9);
}

}  // namespace
}  // namespace nvdimmfs::volumes
