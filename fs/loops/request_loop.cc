// SPDX-License-Identifier: Apache-2.0
#include "fs/loops/request_loop.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/synchronization/blocking_counter.h"
#include "fs/loops/io_flusher.h"
#include "fs/loops/monotonic.h"
#include "fs/loops/processors.h"
#include "fs/loops/spin_score.h"

namespace nvdimmfs::fs {
namespace {

constexpr size_t kPage = 4096;
constexpr useconds_t kWakePause = 1000;  // microseconds between two attempts to wake a worker
constexpr int kRestAfter = 1;            // milliseconds without a request, then CPUs may sleep

// Ends a read(2) that blocks; no other meaning.
int WakeSignal() { return SIGRTMIN; }

void InstallWakeSignal() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(WakeSignal(), &action, nullptr);  // without SA_RESTART
}

// A descriptor of the same mount with its own queue; it shares the queue if /dev/fuse cannot be
// opened (an ordinary user's mount, made by fusermount3).
int CloneDevice(int device) {
  const int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (clone < 0) return fcntl(device, F_DUPFD_CLOEXEC, 0);
  uint32_t source = static_cast<uint32_t>(device);
  if (ioctl(clone, FUSE_DEV_IOC_CLONE, &source) == 0) return clone;
  close(clone);
  return fcntl(device, F_DUPFD_CLOEXEC, 0);
}

bool IsReadable(int device, int milliseconds = 0) {
  pollfd ready = {device, POLLIN, 0};
  return poll(&ready, 1, milliseconds) != 0;
}

}  // namespace

struct RequestLoop::Worker final : ReplyPort {
  Worker(int device_fd, size_t size)
      : device(device_fd),
        buffer_size((size + kPage - 1) / kPage * kPage),
        buffer(static_cast<std::byte*>(std::aligned_alloc(kPage, buffer_size))) {}
  ~Worker() {
    std::free(buffer);
    if (device >= 0) close(device);
  }
  std::optional<ssize_t> Send(const struct iovec* parts, int count) override {
    return writev(device, parts, count);
  }
  // Sets whether reads of the device wait for a request.
  void Wait(bool wait) {
    if (wait == waits) return;
    waits = wait;
    fcntl(device, F_SETFL, wait ? O_RDWR : O_RDWR | O_NONBLOCK);
  }

  const int device;
  const size_t buffer_size;
  std::byte* const buffer;
  std::atomic<bool> ended{false};
  std::thread thread;
  // The worker's own state.
  bool waits = true;  // whether reads of the device wait
  bool leads = false;
  bool alone = false;  // the only leader
  unsigned looks = 0;  // requests that something waits for
  QuickWatch::Probe probe;
  int64_t answered = 0;  // when it answered its last request, nanoseconds
  int64_t budget = 0;    // how long to poll for the next one
  int64_t given_up = 0;  // when polling for it ended, or 0
  SpinScore score;
};

RequestLoop::RequestLoop(int device, const Options& options, RequestHandler handler,
                         std::function<void()> on_end)
    : options_(options), handler_(std::move(handler)), on_end_(std::move(on_end)) {
  InstallWakeSignal();
  const int cpus = static_cast<int>(std::thread::hardware_concurrency());
  crowd_places_ = std::min(options.threads, std::max(cpus, 2));
  for (int i = 0; i < options.threads; ++i)
    workers_.push_back(std::make_unique<Worker>(CloneDevice(device), options.buffer_size));
}

RequestLoop::~RequestLoop() { Stop(); }

void RequestLoop::Start() {
  if (options_.spins) wakeful_ = WakefulProcessors::Create(options_.wakeful);
  if (options_.spins) keeper_ = ProcessorKeeper::Create();
  // On a single CPU a polling worker would keep the program that it waits for from running.
  polls_ = options_.spins && (wakeful_ != nullptr || CountProcessors() > 2);
  running_ = static_cast<int>(workers_.size());
  absl::BlockingCounter begun(running_);
  for (const auto& worker : workers_)
    worker->thread = std::thread([this, &worker, &begun] {
      BecomeIoFlusher();
      begun.DecrementCount();
      Run(*worker);
    });
  // The caller may give up the capability that this needs.
  begun.Wait();
}

void RequestLoop::Stop() {
  stopping_ = true;
  End();
  for (const auto& worker : workers_) {
    if (!worker->thread.joinable()) continue;
    // A signal that arrives just before the read does not end it: repeat until the worker has
    // noticed.
    while (!worker->ended) {
      pthread_kill(worker->thread.native_handle(), WakeSignal());
      usleep(kWakePause);
    }
    worker->thread.join();
  }
}

void RequestLoop::Run(Worker& worker) {
  while (!stopping_ && Lead(worker)) {
    const std::optional<absl::Span<std::byte>> request = Take(worker);
    if (!request) break;
    if (!request->empty()) Serve(worker, *request);
  }
  End();
  worker.ended = true;
  if (running_.fetch_sub(1) == 1) on_end_();
}

void RequestLoop::SetPlaces(int places) {
  absl::MutexLock lock(&mutex_);
  places_ = places;
  place_free_.SignalAll();
}

bool RequestLoop::Lead(Worker& worker) {
  if (places_ > 1 && !crowd_.several()) SetPlaces(1);
  if (worker.leads && (places_ > 1 || worker.alone)) return true;
  absl::MutexLock lock(&mutex_);
  if (worker.leads && leaders_ > places_) {
    --leaders_;
    worker.leads = false;
  }
  while (!worker.leads && leaders_ >= places_ && !over_) place_free_.Wait(&mutex_);
  if (over_) return false;
  if (!worker.leads) ++leaders_;
  worker.leads = true;
  // The holder of the only place keeps it without checking again.
  worker.alone = places_ == 1 && leaders_ == 1;
  return true;
}

void RequestLoop::PassOn(Worker& worker) {
  absl::MutexLock lock(&mutex_);
  --leaders_;
  worker.leads = worker.alone = false;
  place_free_.Signal();
}

void RequestLoop::End() {
  {
    absl::MutexLock lock(&mutex_);
    over_ = true;
  }
  // Without the lock: otherwise all of them would queue up for it, and the first time that happens
  // Abseil calibrates the CPU clock for milliseconds.
  place_free_.SignalAll();
}

bool RequestLoop::MayWait(absl::Span<const std::byte> request) const {
  return options_.may_wait == nullptr || options_.may_wait(request);
}

void RequestLoop::Serve(Worker& worker, absl::Span<std::byte> request) {
  const int64_t start = MonotonicNow();
  worker.score.Came(start - worker.answered, worker.budget);
  // It arrived as soon as polling ended: polling kept the program from running.
  const int64_t lost = worker.given_up - worker.answered;
  if (worker.given_up != 0 && start - worker.given_up < lost) courtesy_.Yield(start, lost);
  worker.given_up = 0;
  Count(worker, request);
  const bool quick = watch_.AreQuick(start) && !MayWait(request);
  // Keep CPUs awake during the answer, too: it wakes the program.
  const bool polls = quick && MayPoll(worker, start);
  const bool keeps = quick && !polls && keeper_ != nullptr && worker.alone && worker.score.pays();
  if (keeps) keeper_->KeepOn(start, QuickWatch::kQuick);
  if (polls && wakeful_ != nullptr) wakeful_->Hold();
  if (quick)
    watch_.Begin(worker.probe);
  else
    PassOn(worker);
  handler_(request, worker);
  worker.answered = MonotonicNow();
  worker.budget = SpinScore::BudgetAfter(worker.answered - start);
  if (keeps) keeper_->KeepOn(worker.answered, worker.budget);
  if (quick) watch_.End(worker.probe, start, worker.answered);
}

void RequestLoop::Count(Worker& worker, absl::Span<const std::byte> request) {
  const uint32_t requester = options_.requester == nullptr ? 1 : options_.requester(request);
  if (requester == 0) return;
  // Before the reply: after it, the program may already have sent its next request.
  const bool queued = ++worker.looks % Crowd::kLookEvery == 0 && IsReadable(worker.device);
  if (crowd_.Came(requester, queued)) Spread(worker);
}

void RequestLoop::Spread(Worker& worker) {
  worker.alone = false;
  if (wakeful_ != nullptr) wakeful_->LetSleep();
  SetPlaces(crowd_places_);
}

bool RequestLoop::MayPoll(const Worker& worker, int64_t now) const {
  return polls_ && worker.alone && worker.score.pays() && !courtesy_.Rests(now);
}

ssize_t RequestLoop::Read(Worker& worker) {
  if (MayPoll(worker, worker.answered)) {
    const ssize_t n = Poll(worker);
    if (n >= 0 || errno != EAGAIN) return n;
  }
  Rest(worker);
  worker.Wait(true);
  const ssize_t n = read(worker.device, worker.buffer, worker.buffer_size);
  // It did not wait: the queue is shared, and another worker polled it.
  if (n < 0 && errno == EAGAIN) worker.waits = false;
  return n;
}

ssize_t RequestLoop::Poll(Worker& worker) {
  worker.Wait(false);
  for (int64_t last = worker.answered;;) {
    const ssize_t n = read(worker.device, worker.buffer, worker.buffer_size);
    if (n >= 0 || errno != EAGAIN) return n;
    const int64_t now = MonotonicNow();
    const bool over = now - worker.answered >= worker.budget;
    if (over) worker.given_up = now;
    if (courtesy_.Looked(last, now) || over) {
      errno = EAGAIN;
      return -1;
    }
    last = now;
  }
}

void RequestLoop::Rest(const Worker& worker) const {
  if (wakeful_ == nullptr || !worker.alone || !wakeful_->held()) return;
  if (!IsReadable(worker.device, kRestAfter)) wakeful_->LetSleep();
}

std::optional<absl::Span<std::byte>> RequestLoop::Take(Worker& worker) {
  const ssize_t n = Read(worker);
  if (n > 0) return absl::MakeSpan(worker.buffer, static_cast<size_t>(n));
  // ENOENT: the request was interrupted before we took it. ENODEV: unmounted.
  if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
    return absl::Span<std::byte>();
  return std::nullopt;
}

}  // namespace nvdimmfs::fs
