// SPDX-License-Identifier: Apache-2.0
#include "tools/hardening/every_thread.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "core/base/thread_signal.h"

namespace nvdimmfs::hardening {
namespace {

thread_local int times = 0;
std::atomic<int> runs{0};

int Count(void*) {
  ++times;
  ++runs;
  return 0;
}

TEST(EveryThread, RunsItOnceInEach) {
  runs = 0;
  absl::Notification end;
  std::atomic<int> once{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i)
    threads.emplace_back([&] {
      end.WaitForNotification();
      once += times == 1;
    });
  EXPECT_EQ(0, OnEveryThread(Count, nullptr));
  EXPECT_EQ(1, times);
  end.Notify();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(5, once);
  EXPECT_EQ(6, runs);
}

TEST(EveryThread, AReadThatBlocksGoesOn) {
  int ends[2];
  ASSERT_EQ(0, pipe(ends));
  ssize_t got = 0;
  std::thread reader([&] {
    char byte;
    got = read(ends[0], &byte, 1);
  });
  EXPECT_EQ(0, OnEveryThread(Count, nullptr));
  EXPECT_EQ(1, write(ends[1], "x", 1));
  reader.join();
  EXPECT_EQ(1, got);
  close(ends[0]);
  close(ends[1]);
}

TEST(EveryThread, ReturnsTheError) {
  EXPECT_EQ(EBADF, OnEveryThread([](void*) { return EBADF; }, nullptr));
}

TEST(EveryThread, GivesUpOnAThreadThatBlocksTheSignal) {
  absl::Notification blocks, end;
  std::thread deaf([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    blocks.Notify();
    end.WaitForNotification();
  });
  blocks.WaitForNotification();
  EXPECT_EQ(ETIME, OnEveryThread(Count, nullptr));
  end.Notify();
  deaf.join();
}

}  // namespace
}  // namespace nvdimmfs::hardening
