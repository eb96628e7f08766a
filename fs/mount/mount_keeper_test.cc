// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_keeper.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

namespace nvdimmfs::fs {
namespace {

// The only child of this thread.
pid_t Child() {
  std::ifstream file("/proc/thread-self/children");
  pid_t child = 0;
  file >> child;
  return child;
}

// Nothing is ever mounted there.
std::string Folder() {
  static const std::string folder = [] {
    char name[] = "/tmp/mount_keeper_test.XXXXXX";
    return std::string(mkdtemp(name));
  }();
  return folder;
}

class MountKeeperTest : public testing::Test {
 protected:
  static void TearDownTestSuite() { rmdir(Folder().c_str()); }
};

TEST_F(MountKeeperTest, DoesNotUnmountWhatIsNotAMount) {
  const auto keeper = MountKeeper::Start(Folder(), nullptr);
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  (*keeper)->WriteBack();
  EXPECT_FALSE((*keeper)->Unmount());
}

TEST_F(MountKeeperTest, LendsNothingThatIsNotAMountsFile) {
  const auto keeper = MountKeeper::Start(Folder(), nullptr);
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  EXPECT_LE((*keeper)->OpenBacking(0, 1), 0);
  (*keeper)->CloseBacking(0, 1);
  EXPECT_FALSE((*keeper)->Unmount());  // it still answers
}

TEST_F(MountKeeperTest, EndsWithItsOwnerAlone) {
  {
    const auto keeper = MountKeeper::Start(Folder(), nullptr);
    ASSERT_TRUE(keeper.ok()) << keeper.status();
    EXPECT_FALSE((*keeper)->Unmount());  // it has begun
    const pid_t child = Child();
    ASSERT_GT(child, 0);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) kill(child, number);
    EXPECT_FALSE((*keeper)->Unmount());
    EXPECT_EQ(0, waitpid(child, nullptr, WNOHANG));
  }
  EXPECT_EQ(-1, waitpid(-1, nullptr, WNOHANG));
  EXPECT_EQ(ECHILD, errno);
}

TEST_F(MountKeeperTest, AKilledOneUnmountsNothing) {
  const auto keeper = MountKeeper::Start(Folder(), nullptr);
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  kill(Child(), SIGKILL);
  EXPECT_FALSE((*keeper)->Unmount());
  EXPECT_LE((*keeper)->OpenBacking(0, 1), 0);
}

}  // namespace
}  // namespace nvdimmfs::fs
