#include "fs/request_loop.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

namespace nvdimmfs::fs {
namespace {

constexpr size_t kPage = 4096;
constexpr useconds_t kWakePause = 1000;  // microseconds between two tries to wake a worker

thread_local int current_device = -1;

// Ends a read(2) that blocks; no other meaning.
int WakeSignal() { return SIGRTMIN; }

void InstallWakeSignal() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(WakeSignal(), &action, nullptr);  // without SA_RESTART
}

// A descriptor of the same mount with a queue of its own; the same queue where /dev/fuse cannot be
// opened (an ordinary user's mount, made by fusermount3).
int CloneDevice(int device) {
  const int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (clone < 0) return fcntl(device, F_DUPFD_CLOEXEC, 0);
  uint32_t source = static_cast<uint32_t>(device);
  if (ioctl(clone, FUSE_DEV_IOC_CLONE, &source) == 0) return clone;
  close(clone);
  return fcntl(device, F_DUPFD_CLOEXEC, 0);
}

}  // namespace

struct RequestLoop::Worker {
  Worker(int device_fd, size_t size)
      : device(device_fd),
        buffer_size((size + kPage - 1) / kPage * kPage),
        buffer(static_cast<std::byte*>(std::aligned_alloc(kPage, buffer_size))) {}
  ~Worker() {
    std::free(buffer);
    if (device >= 0) close(device);
  }

  const int device;
  const size_t buffer_size;
  std::byte* const buffer;
  std::atomic<bool> ended{false};
  std::thread thread;
};

RequestLoop::RequestLoop(int device, const Options& options, Handler handler,
                         std::function<void()> on_end)
    : options_(options), handler_(std::move(handler)), on_end_(std::move(on_end)) {
  InstallWakeSignal();
  for (int i = 0; i < options.threads; ++i)
    workers_.push_back(std::make_unique<Worker>(CloneDevice(device), options.buffer_size));
}

RequestLoop::~RequestLoop() { Stop(); }

void RequestLoop::Start() {
  running_ = static_cast<int>(workers_.size());
  for (const auto& worker : workers_)
    worker->thread = std::thread([this, &worker] { Run(*worker); });
}

void RequestLoop::Stop() {
  stopping_ = true;
  for (const auto& worker : workers_) {
    if (!worker->thread.joinable()) continue;
    // A signal that comes just before the read does not end it: again, until the worker has
    // noticed.
    while (!worker->ended) {
      pthread_kill(worker->thread.native_handle(), WakeSignal());
      usleep(kWakePause);
    }
    worker->thread.join();
  }
}

int RequestLoop::CurrentDevice() { return current_device; }

void RequestLoop::Run(Worker& worker) {
  // Memory that is short must not be reclaimed by writing to our own mount. Needs a capability; may
  // fail.
  prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
  current_device = worker.device;
  while (!stopping_ && TakeOne(worker)) {
  }
  current_device = -1;
  worker.ended = true;
  if (running_.fetch_sub(1) == 1) on_end_();
}

bool RequestLoop::TakeOne(Worker& worker) {
  const ssize_t n = read(worker.device, worker.buffer, worker.buffer_size);
  if (n > 0) {
    handler_({worker.buffer, static_cast<size_t>(n)});
    return true;
  }
  // ENOENT: the request was interrupted before we took it. ENODEV: unmounted.
  return n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT);
}

}  // namespace nvdimmfs::fs
