// SPDX-License-Identifier: Apache-2.0
// The open files and the page dropper of a mount, used by several threads at once.
#include <fcntl.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "core/media/memory_media.h"
#include "fs/protocol/served_mount.h"
#include "fs/testing/fake_model.h"
#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

class ServedMountRaceTest : public ::testing::Test {
 protected:
  ServedMountRaceTest() { tree_.DataAdded("dev/pmem0", data_); }

  std::unique_ptr<OpenFile> Open() {
    return *operations_.Open(tree_.FindPath("dev/pmem0")->ino, O_RDWR);
  }

  FakeModel model_;
  Tree tree_;
  const std::shared_ptr<core::DataNode> data_ = std::make_shared<core::DataNode>(
      std::make_shared<core::MemoryMedia>(1 << 20), core::DataNode::Options{.name = "pmem0"});
  Operations operations_{tree_, model_, {}};
};

TEST_F(ServedMountRaceTest, EveryFileIsClosedOnceAndEveryDropIsDone) {
  constexpr int kThreads = 4, kRounds = 500;
  std::atomic<int> dropped{0};
  {
    ServedMount mount(operations_, Passthrough::Policy::kOff);
    mount.StartDropping([&](Ino) { ++dropped; });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          const ServedMount::Change change(mount);
          EXPECT_TRUE(mount.changing());
          const uint64_t handle = mount.Keep(Open());
          mount.DropPages(static_cast<Ino>(i));
          if (i % 50 == 0) mount.AwaitDroppedPages();
          if (i % 10 != 0) mount.Release(handle);
        }
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_FALSE(mount.changing());
    EXPECT_EQ(data_->holders(), kThreads * kRounds / 10);
    while (dropped < kThreads * kRounds) mount.AwaitDroppedPages();
  }
  EXPECT_EQ(data_->holders(), 0);
}

// A read that is under way when the kernel releases its file ends before the file goes.
TEST_F(ServedMountRaceTest, AUserOutlivesTheRelease) {
  for (int i = 0; i < 200; ++i) {
    ServedMount mount(operations_, Passthrough::Policy::kOff);
    mount.StartDropping([](Ino) {});
    std::unique_ptr<OpenFile> opened = Open();
    OpenFile* const file = opened.get();
    file->AddUser();
    const uint64_t handle = mount.Keep(std::move(opened));
    std::thread release([&] { mount.Release(handle); });
    EXPECT_EQ(file->node().kind, NodeKind::kData);
    if (file->DropUser()) delete file;
    release.join();
  }
  EXPECT_EQ(data_->holders(), 0);
}

}  // namespace
}  // namespace nvdimmfs::fs
