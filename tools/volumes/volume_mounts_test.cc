// SPDX-License-Identifier: Apache-2.0
// Volumes that are not mounted, over a fake tree. Mounts and their users: tests/volumes.
#include "tools/volumes/volume_mounts.h"

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/volumes/testing/volumes_fixture.h"

namespace nvdimmfs::volumes {
namespace {

using testing::HasSubstr;

class VolumeMountsTest : public VolumesFixture {
 protected:
  // "v" with the mount id "id", idle.
  void AddMountId(bool seen_in_use) {
    ClaimedVolume volume = AddV();
    ASSERT_TRUE(volume
                    .PutRecord([&](Record& record) {
                      record.mount_ids = {"id"};
                      record.seen_in_use = seen_in_use;
                    })
                    .ok());
  }
  Volume V() { return *table_.Find("v"); }

  VolumeMounts mounts_{directory_, table_};
};

TEST_F(VolumeMountsTest, WhatIsNotMountedIsLetGo) {
  ClaimedVolume volume = AddV();
  volume.Change([&](Volume& changed) { changed.mountpoint = directory_.PlaceOf("v"); });
  EXPECT_FALSE(mounts_.IsMounted(volume.Copy()));
  EXPECT_TRUE(mounts_.LetGo(volume, absl::ZeroDuration()).ok());
  EXPECT_EQ(volume.Copy().mountpoint, "");
}

TEST_F(VolumeMountsTest, ADirectoryThatAKilledPluginLeftGoes) {
  ClaimedVolume volume = AddV();
  const std::string place = directory_.PlaceOf("v");
  ASSERT_EQ(mkdir(place.c_str(), 0700), 0);
  EXPECT_FALSE(mounts_.IsMounted(volume.Copy()));
  EXPECT_TRUE(mounts_.LetGo(volume, absl::ZeroDuration()).ok());
  struct stat stat = {};
  EXPECT_NE(lstat(place.c_str(), &stat), 0);
}

TEST_F(VolumeMountsTest, AVolumeThatIsNotMountedHasNoUsers) {
  AddV();
  EXPECT_TRUE(mounts_.ThingsOf(V()).empty());
  EXPECT_TRUE(mounts_.UsersOf(V()).empty());
  Volume without_namespace = V();
  without_namespace.source = nullptr;
  EXPECT_TRUE(mounts_.ThingsOf(without_namespace).empty());
}

TEST_F(VolumeMountsTest, MountIdsHoldAVolumeUntilAUserWasSeen) {
  AddV();
  EXPECT_TRUE(mounts_.CheckForgotten(V()).ok());
  ASSERT_TRUE(table_.Claim("v", "being tested", absl::InfinitePast())
                  ->PutRecord([](Record& record) {
                    record.mount_ids = {"b", "a"};
                  })
                  .ok());
  const absl::Status held = mounts_.CheckForgotten(V());
  EXPECT_EQ(core::ErrnoOf(held), EBUSY);
  EXPECT_EQ(core::ReasonOf(held), "volume.mounted");
  EXPECT_THAT(std::string(held.message()), HasSubstr("volume v is in use by a, b"));
  EXPECT_THAT(std::string(held.message()), HasSubstr("type: nvdimmfs-volumes release v"));
  ASSERT_TRUE(table_.Claim("v", "being tested", absl::InfinitePast())
                  ->PutRecord([](Record& record) { record.seen_in_use = true; })
                  .ok());
  EXPECT_TRUE(mounts_.CheckForgotten(V()).ok());
}

TEST_F(VolumeMountsTest, IdsAreForgottenDurably) {
  AddMountId(true);
  ClaimedVolume volume = *table_.Claim("v", "being tested", absl::InfinitePast());
  EXPECT_TRUE(mounts_.ForgetIds(volume).ok());
  EXPECT_TRUE(volume.record().mount_ids.empty());
  EXPECT_FALSE(volume.record().seen_in_use);
  EXPECT_TRUE(journal_.Load()->records[0].mount_ids.empty());
}

TEST_F(VolumeMountsTest, AnOpenDataFileIsWaitedFor) {
  AddV();
  EXPECT_TRUE(mounts_.AwaitUnused(V(), {}, absl::ZeroDuration()).ok());
  tree_.Set("namespace0.0", "x/holders", "2");
  const absl::Status held = mounts_.AwaitUnused(V(), {}, absl::ZeroDuration());
  EXPECT_EQ(core::ErrnoOf(held), EBUSY);
  EXPECT_EQ(core::ReasonOf(held), "volume.mounted");
  EXPECT_THAT(std::string(held.message()), HasSubstr("its data file is open 2 times"));
  Volume disabled = V();
  disabled.ns.node.clear();
  EXPECT_TRUE(mounts_.AwaitUnused(disabled, {}, absl::ZeroDuration()).ok());
}

TEST_F(VolumeMountsTest, NothingToFindOutIsNoReasonToLookSoon) {
  EXPECT_EQ(mounts_.Watch(), absl::Seconds(10));
  AddV();  // not mounted, no mount id
  EXPECT_EQ(mounts_.Watch(), absl::Seconds(10));
}

TEST_F(VolumeMountsTest, AVolumeWithoutUsersAndMountIdsIsUnmounted) {
  AddV().Change([&](Volume& changed) { changed.mountpoint = directory_.PlaceOf("v"); });
  EXPECT_EQ(mounts_.Watch(), absl::ZeroDuration());
  EXPECT_EQ(V().mountpoint, "");
  EXPECT_EQ(mounts_.Watch(), absl::Seconds(10));
}

TEST_F(VolumeMountsTest, AnEnginesMountIsLookedForEverMoreRarely) {
  AddMountId(false);
  const auto pause = [&](absl::Duration since) {
    const absl::Time now = absl::Now();
    table_.Claim("v", "being tested", absl::InfinitePast())->Change([&](Volume& changed) {
      changed.changed_use = now - since;
      changed.next_look = absl::InfinitePast();
    });
    EXPECT_EQ(mounts_.Watch(), absl::ZeroDuration());
    EXPECT_FALSE(V().record.seen_in_use);
    return V().next_look - now;
  };
  EXPECT_GE(pause(absl::ZeroDuration()), absl::Milliseconds(100));
  EXPECT_GE(pause(absl::Seconds(50)), absl::Seconds(5));
  EXPECT_GE(pause(absl::Hours(1)), absl::Seconds(10));
  EXPECT_LE(pause(absl::Hours(1)), absl::Seconds(20));
}

TEST_F(VolumeMountsTest, ACallLeavesAClaimedVolumeAlone) {
  ClaimedVolume volume = AddV();
  volume.Change([&](Volume& changed) { changed.mountpoint = directory_.PlaceOf("v"); });
  EXPECT_EQ(mounts_.Watch(), absl::Seconds(10));
  EXPECT_NE(V().mountpoint, "");
}

TEST_F(VolumeMountsTest, DeadMountsAreForgottenOnceNoProcessHasThem) {
  AddV().Change([](Volume& changed) { changed.dead = {{.device = 0, .root = "/gone"}}; });
  EXPECT_EQ(mounts_.Watch(), absl::ZeroDuration());
  EXPECT_TRUE(V().dead.empty());
}

TEST_F(VolumeMountsTest, ANewMountIdMakesTheNextLookDue) {
  ClaimedVolume volume = AddV();
  volume.Change([](Volume& changed) {
    changed.next_look = absl::InfiniteFuture();
    changed.known_users = {"1 /data"};
  });
  mounts_.NoteUsers(volume);
  EXPECT_TRUE(volume.Copy().known_users.empty());
  EXPECT_EQ(volume.Copy().next_look, absl::InfinitePast());
}

}  // namespace
}  // namespace nvdimmfs::volumes
