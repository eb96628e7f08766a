// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/reclaimer.h"

#include <cerrno>
#include <fstream>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "backends/posix/file.h"
#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tools/volumes/testing/volumes_fixture.h"

namespace nvdimmfs::volumes {
namespace {

class ReclaimerTest : public VolumesFixture {
 protected:
  // A removed volume whose namespace is still there.
  Reclaimer::LeavingPtr Removed(bool erase = false) {
    Record record = RecordOf(RecordState::kRemoving);
    record.options.erase = erase;
    EXPECT_TRUE(journal_.Put(record).ok());
    tree_.Show({NamespaceOfV()});
    return reclaimer_.Add(record, source(), NamespaceOfV());
  }
};

TEST_F(ReclaimerTest, ARemovedVolumeIsListedUntilItIsFreed) {
  const auto leaving = Removed();
  ASSERT_TRUE(reclaimer_.Find("v"));
  EXPECT_EQ(reclaimer_.Find("v")->ns.device, "namespace0.0");
  EXPECT_FALSE(reclaimer_.Find("v")->is_working);
  EXPECT_FALSE(reclaimer_.Find("w"));
  EXPECT_EQ(reclaimer_.All().size(), 1u);
  reclaimer_.Reclaim(leaving);
  EXPECT_TRUE(reclaimer_.All().empty());
  EXPECT_EQ(tree_.Written("region0", "x/destroy"), "namespace0.0\n");
  EXPECT_FALSE(IsInJournal());
}

TEST_F(ReclaimerTest, AFreedNamespaceIsOursForAnHour) {
  const auto leaving = Removed();
  EXPECT_TRUE(own_.Has(kUuid));
  reclaimer_.Reclaim(leaving);
  own_.Prune(absl::Now() + absl::Minutes(59));
  EXPECT_TRUE(own_.Has(kUuid));
  own_.Prune(absl::Now() + absl::Minutes(61));
  EXPECT_FALSE(own_.Has(kUuid));
}

TEST_F(ReclaimerTest, ANamespaceThatIsGoneIsFreed) {
  const auto leaving = Removed(true);
  tree_.Show({});
  reclaimer_.Reclaim(leaving);
  EXPECT_TRUE(reclaimer_.All().empty());
  EXPECT_EQ(tree_.Written("region0", "x/destroy"), "");
  EXPECT_FALSE(IsInJournal());
}

TEST_F(ReclaimerTest, BytesAreErasedOnRequest) {
  for (const bool erase : {false, true}) {
    const auto leaving = Removed(erase);
    const std::string node = source().tree().NodePath(NamespaceOfV());
    std::fstream(node) << "secret";
    reclaimer_.Reclaim(leaving);
    EXPECT_TRUE(reclaimer_.All().empty());
    EXPECT_EQ(posix::ReadFile(node)->substr(0, 6), erase ? std::string(6, '\0') : "secret");
    EXPECT_EQ(tree_.Written("namespace0.0", "force_raw"), erase ? "1\n" : "0");
  }
}

TEST_F(ReclaimerTest, AFailureIsKeptAndTriedAgain) {
  const auto leaving = Removed(true);
  tree_.Refuse("region0", "x/destroy", kBusy);
  reclaimer_.Reclaim(leaving);
  const auto kept = reclaimer_.Find("v");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->error, "busy");
  EXPECT_GE(kept->progress, 99);  // the bytes are erased; rounded down
  EXPECT_FALSE(kept->is_working);
  EXPECT_TRUE(IsInJournal());
  tree_.Show({});
  reclaimer_.RetryAll();
  ASSERT_TRUE(background_.AwaitIdle(absl::InfiniteFuture()));
  EXPECT_TRUE(reclaimer_.All().empty());
  EXPECT_FALSE(IsInJournal());
}

TEST_F(ReclaimerTest, DestroyingNeedsTheTree) {
  tree_.Show({NamespaceOfV()});
  tree_.Refuse("region0", "x/destroy", kBusy);
  EXPECT_EQ(core::ReasonOf(DestroyNamespace(source().tree(), kUuid, "")), "namespace.busy");
  tree_.Show({});
  EXPECT_TRUE(DestroyNamespace(source().tree(), kUuid, "").ok());
  DeviceTree unserved(directory_.sources() + "/none");
  EXPECT_EQ(core::ReasonOf(DestroyNamespace(unserved, kUuid, "")), "tree.gone");
}

}  // namespace
}  // namespace nvdimmfs::volumes
