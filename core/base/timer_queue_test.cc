// SPDX-License-Identifier: Apache-2.0
#include "core/base/timer_queue.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/synchronization/notification.h"

namespace nvdimmfs::core {
namespace {

TEST(TimerQueue, CallsInTheOrderOfTimes) {
  std::string called;
  absl::Notification done;
  TimerQueue queue;
  queue.After(absl::Milliseconds(300), [&] {
    called += "3";
    done.Notify();
  });
  queue.After(absl::ZeroDuration(), [&] { called += "1"; });
  queue.After(absl::Milliseconds(1), [&] { called += "2"; });
  done.WaitForNotification();
  EXPECT_EQ(called, "123");
}

TEST(TimerQueue, WhatIsCalledMayAskForMore) {
  absl::Notification done;
  TimerQueue queue;
  queue.After(absl::ZeroDuration(),
              [&] { queue.After(absl::ZeroDuration(), [&] { done.Notify(); }); });
  done.WaitForNotification();
}

TEST(TimerQueue, StoppedItDropsWhatWaits) {
  bool called = false;
  TimerQueue queue;
  queue.After(absl::Hours(1), [&] { called = true; });
  queue.Stop();
  queue.After(absl::ZeroDuration(), [&] { called = true; });
  queue.Stop();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace nvdimmfs::core
