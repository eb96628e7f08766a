// SPDX-License-Identifier: Apache-2.0
// Records and mounts as a killed plugin leaves them, over a fake tree. tests/volumes/kill_test.py
// does the same with real ones.
#include "tools/volumes/recovery.h"

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tools/volumes/testing/volumes_fixture.h"
#include "tools/volumes/volume_maker.h"
#include "tools/volumes/volume_mounts.h"

namespace nvdimmfs::volumes {
namespace {

class RecoveryTest : public VolumesFixture {
 protected:
  Record RecordIn(RecordState state, const std::string& source) {
    Record record = RecordOf(state);
    record.source = source;
    EXPECT_TRUE(journal_.Put(record).ok());
    return record;
  }
  Record RecordIn(RecordState state) { return RecordIn(state, source().path()); }

  // The source is served, and has the namespace if `has_namespace`.
  FoundNamespaces Served(bool has_namespace) {
    FoundNamespaces found;
    found.sources.insert(&source());
    DeviceTree::Namespace ns = NamespaceOfV();
    ns.node.clear();
    if (has_namespace) found.by_uuid[kUuid] = {&source(), ns};
    return found;
  }

  absl::Status Recover(const FoundNamespaces& found) {
    absl::StatusOr<std::vector<Record>> records = recovery_.LoadRecords();
    if (!records.ok()) return records.status();
    return recovery_.Recover(*records, found);
  }

  VolumeMounts mounts_{directory_, table_};
  VolumeMaker maker_{directory_, sources_, journal_, own_, reclaimer_};
  Recovery recovery_{{.directory = directory_,
                      .sources = sources_,
                      .journal = journal_,
                      .own = own_,
                      .volumes = found_,
                      .mounts = mounts_,
                      .maker = maker_,
                      .reclaimer = reclaimer_,
                      .background = background_}};
};

TEST_F(RecoveryTest, WhatWasBeingCreatedIsDestroyed) {
  RecordIn(RecordState::kCreating);
  ASSERT_TRUE(Recover(Served(true)).ok());
  EXPECT_EQ(tree_.Written("region0", "x/destroy"), "namespace0.0\n");
  EXPECT_FALSE(table_.Find("v"));
  EXPECT_FALSE(IsInJournal());
  EXPECT_TRUE(own_.Has(kUuid));
}

TEST_F(RecoveryTest, ARecordThatCannotBeUndoneStays) {
  RecordIn(RecordState::kCreating);
  tree_.Refuse("region0", "x/destroy", kBusy);
  EXPECT_EQ(core::ReasonOf(Recover(Served(true))), "namespace.busy");
  EXPECT_TRUE(IsInJournal());
}

TEST_F(RecoveryTest, ARecordWithoutItsNamespaceIsDropped) {
  for (const RecordState state :
       {RecordState::kCreating, RecordState::kFormatting, RecordState::kReady,
        RecordState::kRemoving, RecordState::kRemoved}) {
    RecordIn(state);
    ASSERT_TRUE(Recover(Served(false)).ok());
    EXPECT_FALSE(table_.Find("v"));
    EXPECT_FALSE(IsInJournal());
  }
}

TEST_F(RecoveryTest, AVolumeOfAnUnservedSourceSaysSo) {
  RecordIn(RecordState::kReady);
  ASSERT_TRUE(Recover({}).ok());
  const auto volume = table_.Find("v");
  ASSERT_TRUE(volume);
  EXPECT_TRUE(volume->is_idle());
  EXPECT_EQ(volume->error, "cannot serve source /dimm.img: ");
  EXPECT_TRUE(IsInJournal());
}

TEST_F(RecoveryTest, HalfDoneWorkOnAnUnservedSourceWaits) {
  for (const RecordState state : {RecordState::kCreating, RecordState::kRemoving}) {
    RecordIn(state);
    ASSERT_TRUE(Recover({}).ok());
    EXPECT_FALSE(table_.Find("v"));
    EXPECT_TRUE(IsInJournal());
    ASSERT_TRUE(recovery_.RecoverPostponed({}).ok());
    EXPECT_TRUE(IsInJournal());
    ASSERT_TRUE(recovery_.RecoverPostponed(Served(false)).ok());
    EXPECT_FALSE(IsInJournal());
  }
}

TEST_F(RecoveryTest, ARecordOfASourceThatIsNotGivenStays) {
  RecordIn(RecordState::kReady, "/other.img");
  ASSERT_TRUE(Recover(Served(false)).ok());
  EXPECT_FALSE(table_.Find("v"));
  EXPECT_TRUE(IsInJournal());
}

TEST_F(RecoveryTest, ARemovalGoesOn) {
  RecordIn(RecordState::kRemoving);  // the tree shows no namespace: it was destroyed already
  ASSERT_TRUE(Recover(Served(true)).ok());
  ASSERT_TRUE(background_.AwaitIdle(absl::InfiniteFuture()));
  EXPECT_FALSE(table_.Find("v"));
  EXPECT_FALSE(reclaimer_.Find("v"));
  EXPECT_FALSE(IsInJournal());
}

TEST_F(RecoveryTest, ARemovalThatFailsIsTriedAgain) {
  RecordIn(RecordState::kRemoving);
  const FoundNamespaces found = Served(true);
  tree_.Show({found.by_uuid.at(kUuid).second});
  tree_.Refuse("region0", "x/destroy", kBusy);
  ASSERT_TRUE(Recover(found).ok());
  ASSERT_TRUE(background_.AwaitIdle(absl::InfiniteFuture()));
  const auto leaving = reclaimer_.Find("v");
  ASSERT_TRUE(leaving);
  EXPECT_FALSE(leaving->is_working);
  EXPECT_EQ(leaving->error, "busy");
  EXPECT_TRUE(IsInJournal());
  tree_.Show({});
  reclaimer_.RetryAll();
  ASSERT_TRUE(background_.AwaitIdle(absl::InfiniteFuture()));
  EXPECT_FALSE(reclaimer_.Find("v"));
  EXPECT_FALSE(IsInJournal());
}

TEST_F(RecoveryTest, MountIdsOfAnEarlierBootMeanNothing) {
  Record record = RecordIn(RecordState::kReady);
  record.mount_ids = {"id"};
  record.seen_in_use = true;
  record.boot_id = "earlier";
  ASSERT_TRUE(journal_.Put(record).ok());
  const auto earlier = recovery_.LoadRecords();
  ASSERT_TRUE(earlier.ok());
  EXPECT_TRUE(earlier->front().mount_ids.empty());
  EXPECT_FALSE(earlier->front().seen_in_use);
  record.boot_id = BootId();
  ASSERT_TRUE(journal_.Put(record).ok());
  EXPECT_EQ(recovery_.LoadRecords()->front().mount_ids.count("id"), 1u);
}

TEST_F(RecoveryTest, PlacesOfNoReadyVolumeGo) {
  RecordIn(RecordState::kReady);
  for (const char* name : {"v", "half_made"})
    ASSERT_EQ(mkdir(directory_.PlaceOf(name).c_str(), 0700), 0);
  ASSERT_TRUE(recovery_.LoadRecords().ok());
  struct stat stat = {};
  EXPECT_EQ(lstat(directory_.PlaceOf("v").c_str(), &stat), 0);
  EXPECT_NE(lstat(directory_.PlaceOf("half_made").c_str(), &stat), 0);
}

TEST_F(RecoveryTest, ANamespaceThatIsGoneAfterAServerDiedIsTheVolumesError) {
  RecordIn(RecordState::kReady);
  ASSERT_TRUE(Recover(Served(true)).ok());
  EXPECT_EQ(table_.Find("v")->error, "namespace0.0 is disabled, or is not a block device");
  recovery_.Restore(*table_.Claim("v", "being recovered", absl::InfinitePast()), Served(false));
  const auto volume = table_.Find("v");
  EXPECT_EQ(volume->error, std::string("its namespace with uuid ") + kUuid + " is gone");
  EXPECT_TRUE(volume->is_idle());
}

}  // namespace
}  // namespace nvdimmfs::volumes
