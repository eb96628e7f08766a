// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/volume_table.h"

#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "absl/time/clock.h"
#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::volumes {
namespace {

constexpr char kUuid[] = "00112233-4455-6677-8899-aabbccddeeff";

static_assert(std::is_nothrow_move_constructible_v<ClaimedVolume> &&
              std::is_nothrow_move_assignable_v<ClaimedVolume> &&
              !std::is_copy_constructible_v<ClaimedVolume> &&
              !std::is_copy_assignable_v<ClaimedVolume>);

class VolumeTableTest : public testing::Test {
 protected:
  static Volume NewVolume(const std::string& name) {
    Volume volume;
    volume.record.name = name;
    volume.record.uuid = kUuid;
    volume.doing = "being made";
    return volume;
  }

  void AddVolume(const std::string& name) {
    std::optional<ClaimedVolume> added = table_.Add(NewVolume(name));
    ASSERT_TRUE(added);
    added->ForgetWhenReleased(false);
  }

  absl::StatusOr<ClaimedVolume> ClaimNow(const std::string& name) {
    return table_.Claim(name, "being tested", absl::InfinitePast());
  }

  // Of a directory that does not exist: writes to it are refused.
  Journal broken_{"/nonexistent/journal"};
  Journal journal_{testing::TempDir()};
  VolumeTable table_{journal_};
};

TEST_F(VolumeTableTest, AClaimKeepsOthersOutUntilItEnds) {
  AddVolume("v");
  {
    const auto claim = ClaimNow("v");
    ASSERT_TRUE(claim.ok());
    EXPECT_EQ(claim->name(), "v");
    EXPECT_EQ(table_.Find("v")->doing, "being tested");
    const absl::Status busy = ClaimNow("v").status();
    EXPECT_EQ(core::ErrnoOf(busy), EAGAIN);
    EXPECT_EQ(core::ReasonOf(busy), "volume.busy");
    EXPECT_EQ(busy.message(), "volume v is being tested; try again");
  }
  EXPECT_TRUE(table_.Find("v")->is_idle());
  EXPECT_TRUE(ClaimNow("v").ok());
}

TEST_F(VolumeTableTest, AnUnknownNameIsRefused) {
  const absl::Status none = ClaimNow("v").status();
  EXPECT_EQ(core::ErrnoOf(none), ENOENT);
  EXPECT_EQ(core::ReasonOf(none), "volume.none");
  EXPECT_FALSE(table_.Find("v"));
}

TEST_F(VolumeTableTest, AClaimIsWaitedFor) {
  AddVolume("v");
  auto claim = ClaimNow("v");
  ASSERT_TRUE(claim.ok());
  std::thread owner([claim = *std::move(claim)]() mutable {
    absl::SleepFor(absl::Milliseconds(20));
    claim.Release();
  });
  EXPECT_TRUE(table_.Claim("v", "being tested", absl::InfiniteFuture()).ok());
  owner.join();
}

TEST_F(VolumeTableTest, AMovedClaimEndsOnce) {
  AddVolume("v");
  AddVolume("w");
  auto first = ClaimNow("v");
  ASSERT_TRUE(first.ok());
  {
    const ClaimedVolume second = *std::move(first);
    EXPECT_FALSE(ClaimNow("v").ok());
  }
  auto third = ClaimNow("v");
  ASSERT_TRUE(third.ok());
  first->Release();  // moved from: nothing to end
  EXPECT_FALSE(ClaimNow("v").ok());
  auto other = ClaimNow("w");
  ASSERT_TRUE(other.ok());
  *other = *std::move(third);  // ends the claim on w
  EXPECT_TRUE(ClaimNow("w").ok());
  EXPECT_FALSE(ClaimNow("v").ok());
}

TEST_F(VolumeTableTest, ANewVolumeIsForgottenUnlessItsMakerKeepsIt) {
  { EXPECT_TRUE(table_.Add(NewVolume("v"))); }
  EXPECT_FALSE(table_.Find("v"));
  AddVolume("v");
  EXPECT_TRUE(table_.Find("v"));
  EXPECT_FALSE(table_.Add(NewVolume("v")));  // the name is taken
  EXPECT_TRUE(table_.Find("v"));
  auto claim = ClaimNow("v");
  ASSERT_TRUE(claim.ok());
  claim->ForgetWhenReleased();
  EXPECT_TRUE(table_.Find("v"));
  claim->Release();
  EXPECT_FALSE(table_.Find("v"));
}

TEST_F(VolumeTableTest, WhoeverWaitsForAForgottenVolumeLearnsThatItIsGone) {
  auto claim = table_.Add(NewVolume("v"));
  ASSERT_TRUE(claim);
  std::thread owner([claim = *std::move(claim)]() mutable {
    absl::SleepFor(absl::Milliseconds(20));
    claim.Release();
  });
  EXPECT_EQ(core::ErrnoOf(table_.Claim("v", "being tested", absl::InfiniteFuture()).status()),
            ENOENT);
  owner.join();
}

TEST_F(VolumeTableTest, OnlyMakingIsCancelled) {
  AddVolume("v");
  table_.CancelMaking("v");
  auto claim = ClaimNow("v");
  ASSERT_TRUE(claim.ok());
  EXPECT_TRUE(claim->CheckNotCancelled().ok());
  claim->Change([](Volume& volume) { volume.is_being_made = true; });
  table_.CancelMaking("v");
  table_.CancelMaking("none");
  EXPECT_EQ(core::ReasonOf(claim->CheckNotCancelled()), "volume.cancelled");
}

TEST_F(VolumeTableTest, ARecordChangesInTheJournalFirst) {
  AddVolume("v");
  auto claim = ClaimNow("v");
  ASSERT_TRUE(claim.ok());
  ASSERT_TRUE(claim->PutRecord([](Record& record) { record.mount_ids = {"id"}; }).ok());
  EXPECT_EQ(table_.Find("v")->record.mount_ids.count("id"), 1u);
  struct stat stat = {};
  EXPECT_EQ(lstat((testing::TempDir() + "/" + kUuid + ".json").c_str(), &stat), 0);

  VolumeTable unwritable(broken_);
  auto other = unwritable.Add(NewVolume("v"));
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->PutRecord([](Record& record) { record.mount_ids = {"id"}; }).ok());
  EXPECT_TRUE(other->record().mount_ids.empty());
}

}  // namespace
}  // namespace nvdimmfs::volumes
