// SPDX-License-Identifier: Apache-2.0
// What the tests of classes over a source share: a state directory, one source, /dimm.img, whose
// tree is fake, and an empty journal and table.
#ifndef NVDIMMFS_TOOLS_VOLUMES_TESTING_VOLUMES_FIXTURE_H_
#define NVDIMMFS_TOOLS_VOLUMES_TESTING_VOLUMES_FIXTURE_H_

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tools/volumes/background_work.h"
#include "tools/volumes/found_volumes.h"
#include "tools/volumes/journal.h"
#include "tools/volumes/own_namespaces.h"
#include "tools/volumes/reclaimer.h"
#include "tools/volumes/source.h"
#include "tools/volumes/state_directory.h"
#include "tools/volumes/testing/fake_tree.h"
#include "tools/volumes/volume_table.h"

namespace nvdimmfs::volumes {

class VolumesFixture : public testing::Test {
 protected:
  static constexpr char kUuid[] = "00112233-4455-6677-8899-aabbccddeeff";
  static constexpr uint64_t kSize = 1 << 20;
  // A refusal of the tree, for FakeTree::Refuse.
  static constexpr char kBusy[] =
      R"({"errno":"EISDIR","reason":"namespace.busy","sentence":"busy"})";

  // A directory for the test that runs.
  static std::string Directory() {
    return testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
  }

  Source& source() { return *sources_[0]; }
  bool IsInJournal() { return !journal_.Load()->records.empty(); }

  // Volume "v": raw, and not erased when it goes.
  Record RecordOf(RecordState state) {
    Record record{.uuid = kUuid, .name = "v", .source = source().path(), .state = state};
    record.options.mode = VolumeMode::kRaw;
    record.options.size = kSize;
    record.options.erase = false;
    return record;
  }
  // The namespace of "v", enabled.
  static DeviceTree::Namespace NamespaceOfV() {
    return {.device = "namespace0.0",
            .region = "region0",
            .label_name = "v",
            .uuid = kUuid,
            .mode = "raw",
            .node = "pmem0",
            .size = kSize,
            .capacity = kSize,
            .sector_size = 512};
  }
  // The volume "v", ready and claimed, with its record and its namespace.
  ClaimedVolume AddV() {
    const Record record = RecordOf(RecordState::kReady);
    EXPECT_TRUE(journal_.Put(record).ok());
    tree_.Show({NamespaceOfV()});
    return *found_.Add(source(), record, NamespaceOfV(), "being tested");
  }

  const StateDirectory directory_ = *StateDirectory::Open(Directory());
  const Sources sources_ = MakeSources({"/dimm.img"}, directory_.sources());
  FakeTree tree_{sources_[0]->tree().mountpoint()};
  Journal journal_{directory_.journal()};
  OwnNamespaces own_;
  VolumeTable table_{journal_};
  FoundVolumes found_{table_};
  BackgroundWork background_;
  Reclaimer reclaimer_{journal_, own_, background_};
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_TESTING_VOLUMES_FIXTURE_H_
