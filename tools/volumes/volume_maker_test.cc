// SPDX-License-Identifier: Apache-2.0
// Volumes of mode raw over a fake tree. File systems need loop devices: tests/volumes.
#include "tools/volumes/volume_maker.h"

#include <cerrno>
#include <fstream>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "backends/posix/file.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/volumes/job.h"
#include "tools/volumes/testing/volumes_fixture.h"

namespace nvdimmfs::volumes {
namespace {

using testing::HasSubstr;

class VolumeMakerTest : public VolumesFixture {
 protected:
  VolumeMakerTest() { SetRegion({.size = 16 << 20, .available = 16 << 20, .largest = 16 << 20}); }

  void SetRegion(const DeviceTree::Region& region) {
    tree_.Set("region0", "size", std::to_string(region.size));
    tree_.Set("region0", "available_size", std::to_string(region.available));
    tree_.Set("region0", "max_available_extent", std::to_string(region.largest));
    tree_.Set("region0", "align", std::to_string(region.align));
    tree_.Set("region0", "nstype", region.labelled ? "5" : "4");
    tree_.Set("region0", "read_only", region.read_only ? "1" : "0");
  }

  // A claimed volume without a namespace, as a request asks for it.
  ClaimedVolume Wanted(const std::string& region = "") {
    Volume volume;
    volume.record = RecordOf(RecordState::kCreating);
    volume.record.uuid.clear();
    volume.record.source.clear();
    volume.record.options.region = region;
    volume.doing = "being made";
    volume.is_being_made = true;
    return *table_.Add(std::move(volume));
  }

  // Expects that a volume cannot be made, and that nothing of it is left.
  absl::Status Refused(const std::string& region = "") {
    ClaimedVolume volume = Wanted(region);
    Job job;
    absl::Status status = maker_.Make(volume, job);
    EXPECT_EQ(volume.Copy().source, nullptr);
    EXPECT_FALSE(IsInJournal());
    return status;
  }

  VolumeMaker maker_{directory_, sources_, journal_, own_, reclaimer_};
};

TEST_F(VolumeMakerTest, AVolumeHasANamespaceOfItsName) {
  SetRegion({.size = 16 << 20, .available = 16 << 20, .largest = 16 << 20, .align = 3 << 19});
  tree_.StartCreating();
  ClaimedVolume volume = Wanted();
  Job job;
  ASSERT_TRUE(maker_.Make(volume, job).ok());
  const Volume made = volume.Copy();
  EXPECT_EQ(made.source, &source());
  EXPECT_EQ(made.fstype, "");
  EXPECT_EQ(made.ns.label_name, "v");
  EXPECT_EQ(made.ns.mode, "raw");
  EXPECT_EQ(made.ns.size, 3u << 19);  // rounded up to the region's align
  EXPECT_EQ(made.ns.uuid, made.record.uuid);
  EXPECT_TRUE(own_.Has(made.record.uuid));
  EXPECT_EQ(made.record.state, RecordState::kReady);
  const auto journal = journal_.Load();
  ASSERT_EQ(journal->records.size(), 1u);
  EXPECT_EQ(journal->records[0].state, RecordState::kReady);
  EXPECT_EQ(journal->records[0].source, source().path());
}

TEST_F(VolumeMakerTest, OldBytesAreCleared) {
  std::ofstream(source().tree().mountpoint() + "/dev/pmem0.0") << "secret";
  tree_.StartCreating();
  ClaimedVolume volume = Wanted();
  Job job;
  ASSERT_TRUE(maker_.Make(volume, job).ok());
  EXPECT_EQ(*posix::ReadFile(source().tree().NodePath(volume.Copy().ns)), std::string(kSize, '\0'));
}

TEST_F(VolumeMakerTest, TooLittleRoomIsToldForEachRegion) {
  SetRegion({.size = 16 << 20, .available = 900000, .largest = 800000});
  const absl::Status status = Refused();
  EXPECT_EQ(core::ErrnoOf(status), ENOSPC);
  EXPECT_EQ(core::ReasonOf(status), "volume.room");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("volume v; dimm.img/region0 has 900000 bytes free, its largest free extent "
                        "has 800000"));
}

TEST_F(VolumeMakerTest, BytesBeingErasedCountAsRoomToCome) {
  SetRegion({.size = 16 << 20, .available = 0, .largest = 0});
  reclaimer_.Add(RecordOf(RecordState::kRemoving), source(), NamespaceOfV());
  EXPECT_THAT(std::string(Refused().message()), HasSubstr("; 1048576 are still being erased"));
}

TEST_F(VolumeMakerTest, AReadOnlyRegionIsNoRoom) {
  SetRegion({.size = 16 << 20, .largest = 16 << 20, .read_only = true});
  const absl::Status status = Refused();
  EXPECT_EQ(core::ReasonOf(status), "volume.room");
  EXPECT_THAT(std::string(status.message()), HasSubstr("dimm.img/region0 is read-only"));
}

TEST_F(VolumeMakerTest, ARegionWithoutLabelsIsUsedOnlyIfItIsBlank) {
  SetRegion({.size = 16 << 20, .labelled = false});
  tree_.Show({NamespaceOfV()});
  std::fstream(source().tree().NodePath(NamespaceOfV())) << "somebody's data";
  EXPECT_THAT(std::string(Refused().message()), HasSubstr("has no labels and is not blank"));
  std::fstream(source().tree().NodePath(NamespaceOfV())) << std::string(15, '\0');
  tree_.Refuse("region0", "x/create", kBusy);
  EXPECT_EQ(core::ReasonOf(Refused()), "namespace.busy");  // it was tried
}

TEST_F(VolumeMakerTest, ARegionIsWantedByItsNameWithOrWithoutItsSource) {
  tree_.Refuse("region0", "x/create", kBusy);
  for (const char* region : {"region0", "dimm.img/region0"})
    EXPECT_EQ(core::ReasonOf(Refused(region)), "namespace.busy") << region;
  const absl::Status status = Refused("region1");
  EXPECT_EQ(core::ErrnoOf(status), ENODEV);
  EXPECT_EQ(core::ReasonOf(status), "volume.region");
  EXPECT_EQ(status.message(), "region=region1: no such region; known regions: dimm.img/region0");
}

TEST_F(VolumeMakerTest, AVolumeIsUndoneIfItsCallerWaitsNoLonger) {
  tree_.StartCreating();
  ClaimedVolume volume = Wanted();
  Job job;
  EXPECT_EQ(core::ReasonOf(job.Wait(absl::InfinitePast(), core::Refusal(EAGAIN, "late", "late"))),
            "late");
  EXPECT_EQ(core::ReasonOf(maker_.Make(volume, job)), "volume.cancelled");
  EXPECT_EQ(tree_.Written("region0", "x/destroy"), "namespace0.0\n");
  EXPECT_EQ(volume.Copy().source, nullptr);
  EXPECT_FALSE(IsInJournal());
}

TEST_F(VolumeMakerTest, UndoingThatFailsKeepsTheRecord) {
  tree_.StartCreating();
  tree_.Refuse("region0", "x/destroy", kBusy);
  ClaimedVolume volume = Wanted();
  Job job;
  job.Wait(absl::InfinitePast(), core::Refusal(EAGAIN, "late", "late")).IgnoreError();
  EXPECT_FALSE(maker_.Make(volume, job).ok());
  EXPECT_EQ(volume.Copy().source, &source());
  EXPECT_EQ(journal_.Load()->records[0].state, RecordState::kCreating);
}

TEST_F(VolumeMakerTest, ContentIsMadeAgain) {
  ClaimedVolume volume = AddV();
  ASSERT_TRUE(
      volume.PutRecord([](Record& record) { record.state = RecordState::kFormatting; }).ok());
  volume.Change([](Volume& changed) { changed.is_being_made = true; });
  ASSERT_TRUE(maker_.MakeContent(volume).ok());
  const Volume made = volume.Copy();
  EXPECT_FALSE(made.is_being_made);
  EXPECT_EQ(made.error, "");
  EXPECT_EQ(made.record.state, RecordState::kReady);
}

TEST_F(VolumeMakerTest, ContentThatCannotBeMadeIsTheVolumesError) {
  ClaimedVolume volume = AddV();
  volume.Change([](Volume& changed) { changed.ns.node = "none"; });
  EXPECT_FALSE(maker_.MakeContent(volume).ok());
  EXPECT_THAT(volume.Copy().error, HasSubstr("No such file"));
  EXPECT_TRUE(IsInJournal());
}

TEST_F(VolumeMakerTest, ACancelledVolumeIsForgotten) {
  {
    ClaimedVolume volume = AddV();
    volume.Change([](Volume& changed) { changed.is_being_made = true; });
    table_.CancelMaking("v");
    EXPECT_TRUE(maker_.MakeContent(volume).ok());
    EXPECT_EQ(tree_.Written("region0", "x/destroy"), "namespace0.0\n");
  }
  EXPECT_FALSE(table_.Find("v"));
  EXPECT_FALSE(IsInJournal());
}

}  // namespace
}  // namespace nvdimmfs::volumes
