// SPDX-License-Identifier: Apache-2.0
#include "backends/posix/child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>

namespace nvdimmfs::posix {
namespace {

// A child that waits until a byte comes, and exits with it. Without a byte it exits with 1.
class Child {
 public:
  Child() {
    EXPECT_EQ(pipe(ends_), 0);
    pid_ = fork();
    if (pid_ == 0) {
      close(ends_[1]);
      unsigned char code = 1;
      [[maybe_unused]] const ssize_t got = read(ends_[0], &code, 1);
      _exit(code);
    }
  }
  ~Child() {
    for (const int end : ends_) close(end);
  }
  pid_t pid() const { return pid_; }
  void EndWith(unsigned char code) { EXPECT_EQ(write(ends_[1], &code, 1), 1); }

 private:
  int ends_[2] = {-1, -1};
  pid_t pid_ = -1;
};

TEST(ChildTest, ItsExitCode) {
  Child child;
  EXPECT_FALSE(PollChild(child.pid()));
  child.EndWith(7);
  const ChildEnd end = AwaitChild(child.pid());
  EXPECT_EQ(end.code, 7);
  EXPECT_EQ(end.signal, 0);
  EXPECT_EQ(end.exit_code(), 7);
}

TEST(ChildTest, TheSignalThatKilledIt) {
  Child child;
  ASSERT_EQ(kill(child.pid(), SIGKILL), 0);
  const ChildEnd end = AwaitChild(child.pid());
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_EQ(end.exit_code(), 128 + SIGKILL);
}

TEST(ChildTest, ASignalDoesNotInterruptTheWait) {
  struct sigaction action = {}, before = {};
  action.sa_handler = [](int) {};  // no SA_RESTART: waitpid returns with EINTR
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  Child child;
  const pid_t parent = getpid();
  const pid_t waker = fork();
  if (waker == 0) {
    for (int i = 0; i < 5; ++i) {
      usleep(10'000);
      kill(parent, SIGALRM);
    }
    child.EndWith(3);
    _exit(0);
  }
  EXPECT_EQ(AwaitChild(child.pid()).code, 3);
  EXPECT_EQ(AwaitChild(waker).code, 0);
  sigaction(SIGALRM, &before, nullptr);
}

TEST(ChildTest, AnEndThatCannotBeLearntIsNoSuccess) {
  Child child;
  child.EndWith(0);
  EXPECT_EQ(AwaitChild(child.pid()).exit_code(), 0);
  EXPECT_EQ(AwaitChild(child.pid()).exit_code(), 255);
  EXPECT_EQ(PollChild(child.pid())->exit_code(), 255);
}

}  // namespace
}  // namespace nvdimmfs::posix
