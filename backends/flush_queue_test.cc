// SPDX-License-Identifier: Apache-2.0
#include "backends/flush_queue.h"

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status.h"
#include "gtest/gtest.h"

namespace nvdimmfs::backends {
namespace {

using AfterError = FlushQueue::AfterError;

// A flush that stays in flight until it is told to end.
class SlowDevice {
 public:
  absl::Status Flush() {
    absl::MutexLock lock(&mutex_);
    EXPECT_FALSE(in_flight_) << "two flushes at once";
    in_flight_ = true;
    ++started_;
    auto may_end = [this] { return allowed_ >= started_; };
    mutex_.Await(absl::Condition(&may_end));
    in_flight_ = false;
    return result_;
  }
  void AwaitStart(int nth) {
    absl::MutexLock lock(&mutex_);
    auto started = [this, nth] { return started_ >= nth; };
    mutex_.Await(absl::Condition(&started));
  }
  void LetEnd(int nth, absl::Status result = absl::OkStatus()) {
    absl::MutexLock lock(&mutex_);
    allowed_ = nth;
    result_ = result;
  }

 private:
  absl::Mutex mutex_;
  bool in_flight_ = false;
  int started_ = 0;
  int allowed_ = 0;
  absl::Status result_;
};

absl::Status Broken() { return core::Refusal(EIO, "test.broken", "the device broke"); }

TEST(FlushQueueTest, OneCallerIsOneFlush) {
  int runs = 0;
  FlushQueue queue(
      [&] {
        ++runs;
        return absl::OkStatus();
      },
      AfterError::kRetry);
  EXPECT_TRUE(queue.Flush().ok());
  EXPECT_TRUE(queue.Flush().ok());
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(queue.flushes(), 2u);
}

TEST(FlushQueueTest, CallersBehindAFlushShareTheNextOne) {
  SlowDevice device;
  FlushQueue queue([&] { return device.Flush(); }, AfterError::kRetry);
  std::thread first([&] { EXPECT_TRUE(queue.Flush().ok()); });
  device.AwaitStart(1);
  std::atomic<int> returned{0};
  std::vector<std::thread> behind;
  for (int i = 0; i < 8; ++i) {
    behind.emplace_back([&] {
      EXPECT_TRUE(queue.Flush().ok());
      ++returned;
    });
  }
  while (queue.waiting() < 8) absl::SleepFor(absl::Milliseconds(1));
  device.LetEnd(1);
  first.join();
  device.AwaitStart(2);
  EXPECT_EQ(returned, 0) << "joined a flush whose start it missed";
  device.LetEnd(100);
  for (std::thread& thread : behind) thread.join();
  EXPECT_EQ(queue.flushes(), 2u);
}

TEST(FlushQueueTest, AnErrorReachesEveryWaiterOfItsFlush) {
  SlowDevice device;
  FlushQueue queue([&] { return device.Flush(); }, AfterError::kRetry);
  std::thread first([&] { EXPECT_TRUE(queue.Flush().ok()); });
  device.AwaitStart(1);
  std::atomic<int> failed{0};
  std::vector<std::thread> behind;
  for (int i = 0; i < 8; ++i)
    behind.emplace_back([&] { failed += core::ReasonOf(queue.Flush()) == "test.broken"; });
  while (queue.waiting() < 8) absl::SleepFor(absl::Milliseconds(1));
  device.LetEnd(1);
  first.join();
  device.LetEnd(100, Broken());
  for (std::thread& thread : behind) thread.join();
  EXPECT_EQ(failed, 8);
}

TEST(FlushQueueTest, AfterAnErrorRetryAsksAgain) {
  bool broken = true;
  FlushQueue queue([&] { return broken ? Broken() : absl::OkStatus(); }, AfterError::kRetry);
  EXPECT_FALSE(queue.Flush().ok());
  broken = false;
  EXPECT_TRUE(queue.Flush().ok());
}

TEST(FlushQueueTest, AfterAnErrorStayFailedNeverSucceedsAgain) {
  bool broken = true;
  FlushQueue queue([&] { return broken ? Broken() : absl::OkStatus(); }, AfterError::kStayFailed);
  EXPECT_FALSE(queue.Flush().ok());
  broken = false;
  EXPECT_EQ(core::ReasonOf(queue.Flush()), "test.broken");
  EXPECT_EQ(queue.flushes(), 1u);
}

TEST(FlushQueueTest, ARemovedDeviceAnswersWaitersAndLaterCallersAtOnce) {
  SlowDevice device;
  FlushQueue queue([&] { return device.Flush(); }, AfterError::kRetry);
  std::thread first([&] { EXPECT_TRUE(queue.Flush().ok()); });
  device.AwaitStart(1);
  std::atomic<int> gone{0};
  std::vector<std::thread> behind;
  for (int i = 0; i < 8; ++i)
    behind.emplace_back([&] { gone += core::ReasonOf(queue.Flush()) == "test.gone"; });
  while (queue.waiting() < 8) absl::SleepFor(absl::Milliseconds(1));
  queue.Stop(core::Refusal(ENODEV, "test.gone", "the device was removed"));
  for (std::thread& thread : behind) thread.join();  // though the first flush still hangs
  EXPECT_EQ(gone, 8);
  EXPECT_EQ(core::ReasonOf(queue.Flush()), "test.gone");
  queue.Stop(Broken());  // the first reason stays
  EXPECT_EQ(core::ReasonOf(queue.Flush()), "test.gone");
  device.LetEnd(1);
  first.join();
  EXPECT_EQ(queue.flushes(), 1u);
}

TEST(FlushQueueTest, AnErrorIsNotTheNextRoundsError) {
  SlowDevice device;
  FlushQueue queue([&] { return device.Flush(); }, AfterError::kRetry);
  std::thread first([&] { EXPECT_EQ(core::ReasonOf(queue.Flush()), "test.broken"); });
  device.AwaitStart(1);
  std::thread second([&] { EXPECT_TRUE(queue.Flush().ok()); });
  while (queue.waiting() < 1) absl::SleepFor(absl::Milliseconds(1));
  device.LetEnd(1, Broken());
  first.join();
  device.AwaitStart(2);
  device.LetEnd(2);
  second.join();
}

// A caller that arrives while flush n is in flight returns when n + 1 is over, though others come
// all the time and theirs never ends.
TEST(FlushQueueTest, NobodyWaitsForMoreThanTwoFlushes) {
  SlowDevice device;
  FlushQueue queue([&] { return device.Flush(); }, AfterError::kRetry);
  std::vector<std::thread> late;
  std::thread first([&] { EXPECT_TRUE(queue.Flush().ok()); });
  for (int n = 1; n <= 20; n += 2) {
    device.AwaitStart(n);
    std::thread waiter([&] { EXPECT_TRUE(queue.Flush().ok()); });
    while (queue.waiting() == 0) absl::SleepFor(absl::Milliseconds(1));
    device.LetEnd(n);
    device.AwaitStart(n + 1);  // the waiter's, led by itself
    for (int i = 0; i < 4; ++i) late.emplace_back([&] { EXPECT_TRUE(queue.Flush().ok()); });
    while (queue.waiting() < 4) absl::SleepFor(absl::Milliseconds(1));
    device.LetEnd(n + 1);
    waiter.join();             // it hangs here where a later round comes first
    device.AwaitStart(n + 2);  // that of the four
  }
  device.LetEnd(1000);
  first.join();
  for (std::thread& thread : late) thread.join();
}

TEST(FlushQueueTest, AFlushCoversWhatWasStoredBeforeTheCall) {
  std::atomic<int> stored{0};
  std::atomic<int> durable{0};
  FlushQueue queue(
      [&] {
        durable = stored.load();
        return absl::OkStatus();
      },
      AfterError::kRetry);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const int mine = ++stored;
        ASSERT_TRUE(queue.Flush().ok());
        ASSERT_GE(durable, mine);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Threads flush a device that fails now and then, until it is removed under them. Whatever a caller
// is told OK of had been stored before a flush that succeeded began.
TEST(FlushQueueTest, ErrorsAndRemovalMeetManyCallers) {
  for (const AfterError after_error : {AfterError::kRetry, AfterError::kStayFailed}) {
    constexpr int kThreads = 4, kFailing = 7, kRemovedAfter = 1500;
    std::atomic<int> stored{0}, durable{0}, runs{0}, told_broken{0}, told_gone{0};
    int inside = 0;  // the queue's to guard: one run at a time
    FlushQueue queue(
        [&] {
          EXPECT_EQ(++inside, 1);
          const int covered = stored.load();
          const bool fails = ++runs % kFailing == 0;
          if (!fails) durable = covered;
          --inside;
          return fails ? Broken() : absl::OkStatus();
        },
        after_error);
    const auto call = [&] {
      while (true) {
        const int mine = ++stored;
        const absl::Status status = queue.Flush();
        if (status.ok()) {
          EXPECT_GE(durable, mine);
          continue;
        }
        const std::string reason = core::ReasonOf(status);
        ++(reason == "test.gone" ? told_gone : told_broken);
        if (reason == "test.gone" || after_error == AfterError::kStayFailed) return;
      }
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) threads.emplace_back(call);
    if (after_error == AfterError::kRetry) {
      while (runs < kRemovedAfter) absl::SleepFor(absl::Milliseconds(1));
      queue.Stop(core::Refusal(ENODEV, "test.gone", "the device was removed"));
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_FALSE(queue.failed().ok());
    EXPECT_GT(told_broken, 0);
    if (after_error == AfterError::kRetry) {
      EXPECT_EQ(told_gone, kThreads) << "each learns of the removal";
    } else {
      EXPECT_EQ(told_broken, kThreads) << "each learns of the error";
      EXPECT_EQ(runs, kFailing) << "and the device was not asked again";
    }
  }
}

// A removal at any point of a flush leaves no caller waiting.
TEST(FlushQueueTest, ARemovalRacesWithTheFlushes) {
  for (int i = 0; i < 300; ++i) {
    FlushQueue queue([] { return absl::OkStatus(); }, AfterError::kRetry);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&] {
        while (queue.Flush().ok()) {
        }
      });
    queue.Stop(core::Refusal(ENODEV, "test.gone", "the device was removed"));
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(core::ReasonOf(queue.failed()), "test.gone");
  }
}

}  // namespace
}  // namespace nvdimmfs::backends
