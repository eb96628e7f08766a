// SPDX-License-Identifier: Apache-2.0
#include "fs/loops/request_loop.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/algorithm/container.h"
#include "fs/loops/courtesy.h"
#include "fs/loops/monotonic.h"
#include "fs/loops/spin_score.h"
#include "gtest/gtest.h"

namespace nvdimmfs::fs {
namespace {

// A socket pair in the place of the kernel: one message is one request. Its workers share one
// queue.
class RequestLoopTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends_), 0); }
  void TearDown() override {
    loop_.reset();
    for (const int end : ends_) close(end);
  }
  void Start(RequestHandler handler, bool may_wait) {
    loop_ = std::make_unique<RequestLoop>(
        ends_[0],
        RequestLoop::Options{.threads = 4,
                             .buffer_size = 4096,
                             .wakeful = wakeful_,
                             .may_wait = [=](absl::Span<const std::byte>) { return may_wait; },
                             .requester = requester_},
        std::move(handler), [this] { ended_ = true; });
    loop_->Start();
  }
  void Ask() { EXPECT_EQ(write(ends_[1], "ask", 3), 3); }
  template <typename Condition>
  static bool Eventually(Condition condition) {
    for (int i = 0; i < 5000 && !condition(); ++i) usleep(1000);
    return condition();
  }
  // Before what the handler refers to goes.
  void Stop() { loop_->Stop(); }

  int ends_[2];
  WakefulProcessors::Paths wakeful_;
  std::function<uint32_t(absl::Span<const std::byte>)> requester_;
  std::atomic<bool> ended_{false};
  std::unique_ptr<RequestLoop> loop_;
};

TEST_F(RequestLoopTest, HandlesEveryRequestOnce) {
  std::atomic<int> handled{0};
  Start([&](absl::Span<std::byte> request,
            ReplyPort&) { handled += static_cast<int>(request.size()); },
        false);
  for (int i = 0; i < 2000; ++i) Ask();
  EXPECT_TRUE(Eventually([&] { return handled == 6000; })) << handled;
  Stop();
}

TEST_F(RequestLoopTest, APortSendsTheReplyToWhereTheRequestCameFrom) {
  Start(
      [&](absl::Span<std::byte>, ReplyPort& port) {
        char head[] = "re", rest[] = "ply";
        const struct iovec parts[] = {{head, 2}, {rest, 3}};
        EXPECT_EQ(port.Send(parts, 2), ssize_t{5});
        EXPECT_TRUE(port.Room().empty());
      },
      false);
  Ask();
  char reply[8] = {};
  EXPECT_EQ(read(ends_[1], reply, sizeof reply), 5);
  EXPECT_STREQ(reply, "reply");
  Stop();
}

TEST_F(RequestLoopTest, ARequestThatWaitsHoldsUpNoOther) {
  std::atomic<int> begun{0};
  std::atomic<bool> go{false};
  Start(
      [&](absl::Span<std::byte>, ReplyPort&) {
        ++begun;
        while (!go) usleep(1000);
      },
      true);
  for (int i = 0; i < 4; ++i) Ask();
  EXPECT_TRUE(Eventually([&] { return begun == 4; })) << begun;
  go = true;
  Stop();
}

TEST_F(RequestLoopTest, SlowMediaIsNoticed) {
  // Each request is declared quick but is not: after the first they run in parallel.
  std::atomic<int> together{0}, most{0};
  Start(
      [&](absl::Span<std::byte>, ReplyPort&) {
        const int now = ++together;
        if (now > most) most = now;
        usleep(5000);
        --together;
      },
      false);
  EXPECT_TRUE(Eventually([&] {
    Ask();
    return most > 1;
  }));
  Stop();
}

TEST_F(RequestLoopTest, StopsWhileIdle) {
  Start([](absl::Span<std::byte>, ReplyPort&) {}, false);
  loop_->Stop();
  EXPECT_TRUE(ended_);
}

TEST_F(RequestLoopTest, EndsWhenTheDeviceDoes) {
  Start([](absl::Span<std::byte>, ReplyPort&) {}, false);
  // To a socket's reader the end is a read of nothing.
  shutdown(ends_[1], SHUT_WR);
  EXPECT_TRUE(Eventually([&] { return ended_.load(); }));
}

TEST_F(RequestLoopTest, IdlingCostsNothing) {
  std::atomic<int> handled{0};
  Start([&](absl::Span<std::byte>, ReplyPort&) { ++handled; }, false);
  for (int i = 0; i < 1000; ++i) Ask();
  EXPECT_TRUE(Eventually([&] { return handled == 1000; })) << handled;
  const auto cpu = [] {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000000000 + used.tv_nsec;
  };
  int64_t least = INT64_MAX;  // nanoseconds in 0.1 s; on a busy machine the end may come late
  for (int i = 0; i < 20 && least >= 1000000; ++i) {
    const auto before = cpu();
    usleep(100000);
    least = std::min<int64_t>(least, cpu() - before);
  }
  EXPECT_LT(least, 1000000);
  Stop();
}

TEST_F(RequestLoopTest, ProcessorsMaySleepOnceRequestsStop) {
  wakeful_.request = ::testing::TempDir() + "/cpu_dma_latency";
  wakeful_.shallowest = ::testing::TempDir() + "/state0_name";
  std::ofstream(wakeful_.request).flush();
  std::ofstream(wakeful_.shallowest) << "POLL\n";
  if (WakefulProcessors::Create(wakeful_) == nullptr)
    GTEST_SKIP() << "not used with this number of CPUs";
  const auto asked = [&] {
    std::ifstream file(wakeful_.request, std::ios::binary);
    std::vector<int32_t> latencies;
    for (int32_t latency; file.read(reinterpret_cast<char*>(&latency), sizeof latency);)
      latencies.push_back(latency);
    return latencies;
  };
  requester_ = [](absl::Span<const std::byte>) { return 0; };
  Start([](absl::Span<std::byte>, ReplyPort&) {}, false);
  EXPECT_TRUE(Eventually([&] {
    for (int i = 0; i < 20; ++i) Ask();  // they wait for the worker: it does not for them
    return absl::c_linear_search(asked(), 0);
  }));
  EXPECT_TRUE(Eventually([&] { return asked().back() > 0; }));
  Stop();
}

TEST(SpinScoreTest, PaysAfterARunAndNotAfterIdleness) {
  SpinScore score;
  EXPECT_FALSE(score.pays());
  for (int i = 0; i < 20; ++i) score.Came(1000);
  EXPECT_TRUE(score.pays());
  for (int i = 0; i < 5; ++i) score.Came(SpinScore::kBudget + 1);
  EXPECT_FALSE(score.pays());
}

TEST(SpinScoreTest, AfterALongAnswerTheNextRequestMayTakeLonger) {
  EXPECT_EQ(SpinScore::BudgetAfter(0), SpinScore::kBudget);
  EXPECT_EQ(SpinScore::BudgetAfter(80'000), 240'000);
  EXPECT_EQ(SpinScore::BudgetAfter(1'000'000'000), SpinScore::kLongest);
  SpinScore score;
  for (int i = 0; i < 20; ++i) score.Came(200'000, 240'000);
  EXPECT_TRUE(score.pays());
  for (int i = 0; i < 5; ++i) score.Came(200'000, SpinScore::kBudget);
  EXPECT_FALSE(score.pays());
}

TEST(CourtesyTest, RestsForAWhileAfterTheProcessorWasSomebodyElses) {
  Courtesy courtesy;
  EXPECT_FALSE(courtesy.Rests(0));
  EXPECT_FALSE(courtesy.Looked(1000, 1000 + Courtesy::kStolen));
  EXPECT_FALSE(courtesy.Rests(1000 + Courtesy::kStolen));
  EXPECT_TRUE(courtesy.Looked(1000, 3'001'000));
  EXPECT_TRUE(courtesy.Rests(3'001'000));
  EXPECT_TRUE(courtesy.Rests(20'000'000));
  EXPECT_FALSE(courtesy.Rests(30'000'000));
}

TEST(CourtesyTest, RestsLongerWhereItIsInTheWayAgain) {
  Courtesy courtesy;
  int64_t now = 1'000'000'000, rested = 0;
  for (int i = 0; i < 20; ++i) {
    courtesy.Yield(now, 50'000);
    const int64_t start = now;
    while (courtesy.Rests(now)) now += 100'000;
    EXPECT_GE(now - start, rested);
    rested = now - start;
    now += 100'000;
  }
  EXPECT_GE(rested, 900'000'000);
  now += 10'000'000'000;
  courtesy.Yield(now, 50'000);
  EXPECT_FALSE(courtesy.Rests(now + 1'000'000));
}

TEST(CrowdTest, ThreadsThatAlternateAreSeveralAndALongRunIsOne) {
  Crowd crowd;
  // A script: one program after the other.
  for (uint32_t request = 0; request < 10000; ++request)
    EXPECT_FALSE(crowd.Came(1 + request / 10, false)) << request;
  bool several = false;
  for (uint32_t i = 0; i < 100 && !several; ++i) several = crowd.Came(1 + i % 2, false);
  EXPECT_TRUE(several && crowd.several());
  for (uint32_t i = 0; i < 5000; ++i) crowd.Came(1 + i / 100 % 2, false);
  EXPECT_TRUE(crowd.several()) << "in turns, but still two";
  for (int i = 0; i < 1000; ++i) crowd.Came(7, false);
  EXPECT_FALSE(crowd.several());
}

TEST(CrowdTest, AQueueOfOneThreadIsSeveralToo) {
  Crowd crowd;
  const auto look = [](unsigned i) { return i % Crowd::kLookEvery == 0; };
  bool several = false;
  for (unsigned i = 0; i < 100 && !several; ++i) several = crowd.Came(7, look(i));
  EXPECT_TRUE(several && crowd.several());
  for (unsigned i = 0; i < 5000; ++i) crowd.Came(7, i % 100 == 0);
  EXPECT_TRUE(crowd.several());
  for (int i = 0; i < 1000; ++i) crowd.Came(7, false);
  EXPECT_FALSE(crowd.several());
  for (unsigned i = 0; i < 5000; ++i) EXPECT_FALSE(crowd.Came(7, i % (4 * Crowd::kLookEvery) == 0));
}

TEST(ProcessorKeeperTest, WorksWhileARequestIsExpectedAndNoLonger) {
  const std::unique_ptr<ProcessorKeeper> keeper = ProcessorKeeper::Create();
  if (keeper == nullptr) GTEST_SKIP() << "only for two CPUs";
  const auto used = [] {
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return cpu.tv_sec * int64_t{1'000'000'000} + cpu.tv_nsec;
  };
  for (int round = 0; round < 3; ++round) {
    const int64_t before = used();
    int expected = 0;
    while (used() - before < 5'000'000 && ++expected < 5000) {
      keeper->KeepOn(MonotonicNow(), 10'000'000);
      usleep(1000);
    }
    EXPECT_LT(expected, 5000) << "it never woke";
    usleep(20'000);
    const int64_t after = used();
    usleep(100'000);
    EXPECT_LT(used() - after, 3'000'000) << "nanoseconds in 0.1 s, long after the last request";
  }
}

TEST_F(RequestLoopTest, SeveralRequestersAreServedSideBySide) {
  std::atomic<uint32_t> asked{0};
  std::atomic<int> together{0}, most{0}, done{0};
  loop_ = std::make_unique<RequestLoop>(
      ends_[0],
      RequestLoop::Options{
          .threads = 4,
          .buffer_size = 4096,
          .may_wait = [](absl::Span<const std::byte>) { return false; },
          .requester = [&](absl::Span<const std::byte>) { return 1 + asked++ % 2; }},
      [&](absl::Span<std::byte>, ReplyPort&) {
        const int now = ++together;
        if (now > most) most = now;
        usleep(200);  // shorter than what counts as slow
        --together;
        ++done;
      },
      [] {});
  loop_->Start();
  int sent = 0;
  const auto ask = [&](int count) {
    for (int i = 0; i < count; ++i, ++sent) Ask();
  };
  ask(300);
  EXPECT_TRUE(Eventually([&] {
    ask(2);
    return most > 1;
  }));
  EXPECT_TRUE(Eventually([&] { return done == sent; })) << done;
  Stop();
}

}  // namespace
}  // namespace nvdimmfs::fs
