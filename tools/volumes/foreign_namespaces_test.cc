// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/foreign_namespaces.h"

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tools/volumes/testing/volumes_fixture.h"

namespace nvdimmfs::volumes {
namespace {

constexpr char kOther[] = "ffeeddcc-bbaa-9988-7766-554433221100";

class ForeignNamespacesTest : public VolumesFixture {
 protected:
  // A namespace that another program made.
  static DeviceTree::Namespace Other() {
    DeviceTree::Namespace ns = NamespaceOfV();
    ns.device = "namespace0.1";
    ns.label_name = "other";
    ns.uuid = kOther;
    ns.node = "pmem0.1";
    return ns;
  }
  void Look() { foreign_.Look(absl::InfiniteFuture()); }
  bool MayHaveChanged(const std::string& volume) {
    return foreign_.MayHaveChanged(volume, absl::InfiniteFuture());
  }

  ForeignNamespaces foreign_{sources_, journal_, table_, own_, reclaimer_, found_};
};

TEST_F(ForeignNamespacesTest, ANewNamespaceBecomesAVolume) {
  tree_.Show({Other()});
  Look();
  const auto volume = table_.Find("other");
  ASSERT_TRUE(volume);
  EXPECT_TRUE(volume->is_idle());
  EXPECT_TRUE(volume->record.adopted);
  EXPECT_EQ(volume->record.uuid, kOther);
  EXPECT_EQ(volume->ns.device, "namespace0.1");
  EXPECT_EQ(volume->source, &source());
  EXPECT_FALSE(IsInJournal());  // its label is its record
}

TEST_F(ForeignNamespacesTest, OurOwnNamespacesAreNotNew) {
  own_.Add(kOther);
  tree_.Show({Other()});
  Look();
  EXPECT_TRUE(table_.All().empty());
}

TEST_F(ForeignNamespacesTest, ANamespaceThatIsBeingRemovedIsNotNew) {
  reclaimer_.Add(RecordOf(RecordState::kRemoving), source(), NamespaceOfV());
  tree_.Show({NamespaceOfV()});
  Look();
  EXPECT_TRUE(table_.All().empty());
}

TEST_F(ForeignNamespacesTest, WhatCannotBeAVolumeIsLeftAlone) {
  for (const char* name : {"", "../etc", "a b"}) {
    DeviceTree::Namespace ns = Other();
    ns.label_name = name;
    tree_.Show({ns});
    Look();
    tree_.Show({});
    Look();
  }
  DeviceTree::Namespace devdax = Other();
  devdax.mode = "devdax";
  tree_.Show({devdax});
  Look();
  EXPECT_TRUE(table_.All().empty());
}

// An info block has a uuid of its own.
TEST_F(ForeignNamespacesTest, AnotherNameOfAKnownNodeIsNotNew) {
  AddV().Release();
  std::filesystem::create_symlink("../pmem0",
                                  source().tree().mountpoint() + "/dev/by-uuid/" + kOther);
  Look();
  EXPECT_EQ(table_.All().size(), 1u);
}

TEST_F(ForeignNamespacesTest, AVolumeWhoseNamespaceIsGoneIsForgotten) {
  AddV().Release();
  own_.Add(kUuid);
  Look();
  tree_.Show({});
  Look();
  EXPECT_FALSE(table_.Find("v"));
  EXPECT_FALSE(own_.Has(kUuid));
  EXPECT_FALSE(IsInJournal());
}

TEST_F(ForeignNamespacesTest, ANamespaceThatIsOnlyDisabledStaysAVolume) {
  AddV().Release();
  Look();
  DeviceTree::Namespace disabled = NamespaceOfV();
  disabled.node.clear();
  tree_.Show({disabled});
  Look();
  EXPECT_TRUE(table_.Find("v"));
  EXPECT_TRUE(IsInJournal());
}

TEST_F(ForeignNamespacesTest, WorkOnAVolumeKeepsIt) {
  const ClaimedVolume claimed = AddV();
  Look();
  tree_.Show({});
  Look();
  EXPECT_TRUE(table_.Find("v"));
}

TEST_F(ForeignNamespacesTest, ASourceThatDoesNotTellChangesNothing) {
  AddV().Release();
  Look();
  std::filesystem::remove_all(source().tree().mountpoint());
  Look();
  EXPECT_TRUE(table_.Find("v"));
}

TEST_F(ForeignNamespacesTest, ADisabledVolumeMayHaveChanged) {
  {
    ClaimedVolume volume = AddV();
    EXPECT_FALSE(MayHaveChanged("v"));  // somebody works on it
    volume.Change([](Volume& changed) { changed.ns.node.clear(); });
  }
  EXPECT_TRUE(MayHaveChanged("v"));
}

TEST_F(ForeignNamespacesTest, ASourceThatIsNotServedIsNotAsked) {
  AddV().Release();
  EXPECT_FALSE(MayHaveChanged("v"));
  EXPECT_FALSE(MayHaveChanged("unknown"));
}

}  // namespace
}  // namespace nvdimmfs::volumes
