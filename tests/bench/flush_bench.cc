// SPDX-License-Identifier: Apache-2.0
// What sharing flushes gains: waiters that each store and flush, on a device whose flush takes a
// while, through backends/flush_queue and, for comparison, one flush for each of them in turn.
//
//   flush_bench [--us N] [--ms N] [--rounds N]
//
// The device is a sleep of --us microseconds (100), as a flush request to a host is from a guest's
// side: no CPU, one at a time. For 1, 2, 8 and 64 waiters it prints the medians over the rounds,
// which take the two ways in turn: acknowledged flushes a second each way, their ratio, how many
// waiters one flush of the device served, and the longest that one waiter waited, in flushes.
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "backends/flush_queue.h"

namespace nvdimmfs {
namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  int64_t us = 100;
  int64_t ms = 200;
  int rounds = 5;
};

class Device {
 public:
  explicit Device(int64_t us) : time_{0, us * 1000} {}
  absl::Status Flush() {
    ++flushes_;
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time_, nullptr);
    return absl::OkStatus();
  }
  uint64_t flushes() const { return flushes_; }

 private:
  const timespec time_;
  std::atomic<uint64_t> flushes_{0};
};

struct Result {
  double per_second = 0;  // acknowledged
  double shared_by = 0;   // waiters for one flush of the device
  double longest = 0;     // wait, in times of one flush
};

double Seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

Result Measure(int waiters, const Settings& settings, Device& device,
               const std::function<void()>& flush) {
  std::atomic<uint64_t> acknowledged{0};
  std::vector<double> longest(waiters);
  const uint64_t before = device.flushes();
  const auto start = Clock::now();
  const auto end = start + std::chrono::milliseconds(settings.ms);
  std::vector<std::thread> threads;
  for (int i = 0; i < waiters; ++i)
    threads.emplace_back([&, i] {
      prctl(PR_SET_TIMERSLACK, 1);
      for (auto now = Clock::now(); now < end;) {
        flush();
        ++acknowledged;
        const auto after = Clock::now();
        longest[i] = std::max(longest[i], Seconds(after - now));
        now = after;
      }
    });
  for (std::thread& thread : threads) thread.join();
  const double seconds = Seconds(Clock::now() - start);
  const double flushes = static_cast<double>(device.flushes() - before);
  return {.per_second = static_cast<double>(acknowledged) / seconds,
          .shared_by = static_cast<double>(acknowledged) / flushes,
          .longest = *std::max_element(longest.begin(), longest.end()) / (seconds / flushes)};
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double MedianOf(const std::vector<Result>& results, double Result::*member) {
  std::vector<double> values;
  for (const Result& result : results) values.push_back(result.*member);
  return Median(values);
}

void Compare(int waiters, const Settings& settings) {
  std::vector<Result> shared, alone;
  for (int round = 0; round < settings.rounds; ++round) {
    Device device(settings.us);
    backends::FlushQueue queue([&] { return device.Flush(); },
                               backends::FlushQueue::AfterError::kRetry);
    shared.push_back(Measure(waiters, settings, device, [&] { (void)queue.Flush(); }));
    absl::Mutex mutex;
    alone.push_back(Measure(waiters, settings, device, [&] {
      absl::MutexLock lock(&mutex);
      (void)device.Flush();
    }));
  }
  const double with = MedianOf(shared, &Result::per_second);
  const double without = MedianOf(alone, &Result::per_second);
  std::printf("| %d | %.0f | %.0f | %.1f | %.1f | %.1f |\n", waiters, with, without, with / without,
              MedianOf(shared, &Result::shared_by), MedianOf(shared, &Result::longest));
  std::fflush(stdout);
}

bool Read(int argc, char** argv, Settings& settings) {
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) return false;
    const int64_t value = std::strtoll(argv[i + 1], nullptr, 10);
    if (value <= 0) return false;
    if (std::strcmp(argv[i], "--us") == 0 && value < 1000000)
      settings.us = value;
    else if (std::strcmp(argv[i], "--ms") == 0)
      settings.ms = value;
    else if (std::strcmp(argv[i], "--rounds") == 0)
      settings.rounds = static_cast<int>(value);
    else
      return false;
  }
  return true;
}

}  // namespace
}  // namespace nvdimmfs

int main(int argc, char** argv) {
  nvdimmfs::Settings settings;
  if (!nvdimmfs::Read(argc, argv, settings)) {
    std::fputs("usage: flush_bench [--us N] [--ms N] [--rounds N]\n", stderr);
    return 2;
  }
  std::printf("flush of %lld us; acknowledged flushes a second\n\n",
              static_cast<long long>(settings.us));
  std::puts("| waiters | shared | in turn | ratio | waiters a flush | longest wait, flushes |");
  std::puts("|---|---|---|---|---|---|");
  for (const int waiters : {1, 2, 8, 64}) nvdimmfs::Compare(waiters, settings);
  return 0;
}
