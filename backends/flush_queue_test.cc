#include "backends/flush_queue.h"

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/status.h"
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
  absl::SleepFor(
      absl::Milliseconds(50));  // all eight are waiting by now, or join the second anyway
  device.LetEnd(1);
  first.join();
  device.AwaitStart(2);
  EXPECT_EQ(returned, 0) << "joined a flush whose start it missed";
  device.LetEnd(100);
  for (std::thread& thread : behind) thread.join();
  EXPECT_LE(queue.flushes(), 3u);  // 2, unless a thread was late
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
  absl::SleepFor(absl::Milliseconds(50));
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

}  // namespace
}  // namespace nvdimmfs::backends
