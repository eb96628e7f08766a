// SPDX-License-Identifier: Apache-2.0
// Servers that this program plays itself: it does what the source's script says, and mounts
// nothing. So every server is gone when it is next looked at.
#include "tools/volumes/source_keeper.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>

#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tools/volumes/testing/volumes_fixture.h"
#include "tools/volumes/volume_maker.h"
#include "tools/volumes/volume_mounts.h"

namespace nvdimmfs::volumes {
namespace {

std::string ScriptOf(const std::string& mountpoint) { return mountpoint + ".script"; }

// Exits with the number in the script and prints the rest of it to stderr.
int Serve(const std::string& mountpoint) {
  std::ifstream script(ScriptOf(mountpoint));
  int exit_status = 0;
  script >> exit_status;
  std::cerr << script.rdbuf();
  return exit_status;
}

class SourceKeeperTest : public VolumesFixture {
 protected:
  SourceKeeperTest() {
    for (const auto& served : both_) Script(*served, "0");
  }

  Source& first() { return *both_[0]; }  // /dimm.img, as source()
  Source& second() { return *both_[1]; }

  static void Script(Source& of, const std::string& text) {
    std::ofstream(ScriptOf(of.tree().mountpoint())) << text;
  }

  // Lets the keeper notice that the first source's server is gone. (A look that takes more than a
  // second notices nothing.)
  void WatchUntilNoticed(uint64_t deaths) {
    while (keeper_.CountDeaths(first()) < deaths) keeper_.Watch();
  }

  // "v" is a volume of the first source.
  void AddIdleV() {
    ClaimedVolume volume = AddV();
    volume.Change([&](Volume& changed) { changed.source = &first(); });
  }

  const Sources both_ = MakeSources({"/dimm.img", "/other.img"}, directory_.sources());
  FakeTree tree_of_second_{both_[1]->tree().mountpoint()};
  VolumeMounts mounts_{directory_, table_};
  VolumeMaker maker_{directory_, both_, journal_, own_, reclaimer_};
  Recovery recovery_{{.directory = directory_,
                      .sources = both_,
                      .journal = journal_,
                      .own = own_,
                      .volumes = found_,
                      .mounts = mounts_,
                      .maker = maker_,
                      .reclaimer = reclaimer_,
                      .background = background_}};
  SourceKeeper keeper_{directory_, both_, table_, recovery_};
};

TEST_F(SourceKeeperTest, AllSourcesAreServed) {
  tree_.Show({NamespaceOfV()});
  const auto found = keeper_.ServeAll();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->sources.size(), 2u);
  ASSERT_EQ(found->by_uuid.count(kUuid), 1u);
  EXPECT_EQ(found->by_uuid.at(kUuid).first, &first());
  EXPECT_EQ(found->by_uuid.at(kUuid).second.device, "namespace0.0");
  EXPECT_EQ(first().trouble(), "");
}

TEST_F(SourceKeeperTest, ASourceThatCannotBeServedLeavesTheOthers) {
  Script(first(), "1 nvdimmfs: mount /dimm.img: no such file");
  const auto found = keeper_.ServeAll();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->sources.count(&first()), 0u);
  EXPECT_EQ(found->sources.count(&second()), 1u);
  EXPECT_EQ(first().trouble(), "no such file");
  EXPECT_EQ(second().trouble(), "");
}

TEST_F(SourceKeeperTest, AStartWithoutAnySourceIsRefused) {
  Script(first(), "1 no such file");
  Script(second(), "1 no such file");
  const absl::Status status = keeper_.ServeAll().status();
  EXPECT_EQ(core::ErrnoOf(status), EIO);
  EXPECT_EQ(core::ReasonOf(status), "source.serve");
  EXPECT_EQ(status.message(), "cannot serve source /dimm.img: no such file");
}

TEST_F(SourceKeeperTest, ASourceWithoutATreeIsNotServed) {
  Script(second(), "1");
  std::ofstream(first().tree().mountpoint() + "/bus/nd/devices/ndbus0/x/list.json") << "{";
  EXPECT_FALSE(keeper_.ServeAll().ok());
}

TEST_F(SourceKeeperTest, AServerThatDiedIsReplaced) {
  AddIdleV();
  ASSERT_TRUE(keeper_.ServeAll().ok());
  EXPECT_EQ(keeper_.CountDeaths(first()), 0u);
  WatchUntilNoticed(1);
  const auto volume = table_.Find("v");
  ASSERT_TRUE(volume);
  EXPECT_TRUE(volume->is_idle());
  EXPECT_EQ(volume->error, "");
  EXPECT_EQ(volume->ns.node, "pmem0");
  WatchUntilNoticed(2);  // the new one is watched, too
}

TEST_F(SourceKeeperTest, VolumesOfAServerThatCannotBeReplacedSaySo) {
  AddIdleV();
  ASSERT_TRUE(keeper_.ServeAll().ok());
  Script(first(), "1 no such file");
  WatchUntilNoticed(1);
  EXPECT_EQ(table_.Find("v")->error, "cannot serve source /dimm.img: no such file");
  keeper_.Watch();  // it is tried again, some time; its server did not die again
  EXPECT_EQ(keeper_.CountDeaths(first()), 1u);
}

TEST_F(SourceKeeperTest, ANamespaceThatIsGoneAfterwardsIsTheVolumesError) {
  AddIdleV();
  ASSERT_TRUE(keeper_.ServeAll().ok());
  tree_.Show({});
  WatchUntilNoticed(1);
  EXPECT_EQ(table_.Find("v")->error, std::string("its namespace with uuid ") + kUuid + " is gone");
}

}  // namespace
}  // namespace nvdimmfs::volumes

int main(int argc, char** argv) {
  if (argc == 6 && strcmp(argv[1], nvdimmfs::volumes::kServe) == 0)
    return nvdimmfs::volumes::Serve(argv[5]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
