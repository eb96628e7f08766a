// The threads that take requests from /dev/fuse, each through a queue of its own.
//
// A worker blocks in read(2), so an idle mount costs nothing and a request wakes one worker. The
// reply must go to the descriptor that the request came from: CurrentDevice().
//
// Thread rules: Start, Stop and the destructor by one thread; the handler runs on every worker at
// once.
#ifndef NVDIMMFS_FS_REQUEST_LOOP_H_
#define NVDIMMFS_FS_REQUEST_LOOP_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/types/span.h"

namespace nvdimmfs::fs {

class RequestLoop {
 public:
  struct Options {
    int threads = 1;
    size_t buffer_size = 0;  // bytes: the longest request
  };
  using Handler = std::function<void(absl::Span<std::byte> request)>;

  // `device` is the mount's descriptor; it stays the caller's. `on_end` runs once, on the last
  // worker to end.
  RequestLoop(int device, const Options& options, Handler handler, std::function<void()> on_end);
  // Stops.
  ~RequestLoop();
  RequestLoop(const RequestLoop&) = delete;
  RequestLoop& operator=(const RequestLoop&) = delete;

  void Start();
  // Lets each worker finish its request and ends it. Requests that nobody took are never answered:
  // the caller closes `device`, and with the last descriptor the kernel gives up on them.
  void Stop();

  // On a worker, the descriptor of the request that it handles; elsewhere -1.
  static int CurrentDevice();

 private:
  struct Worker;
  void Run(Worker& worker);
  // False once there will be no more.
  bool TakeOne(Worker& worker);

  const Options options_;
  const Handler handler_;
  const std::function<void()> on_end_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> running_{0};
};

}  // namespace nvdimmfs::fs

#endif  // NVDIMMFS_FS_REQUEST_LOOP_H_
