#include "fs/serve.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "fs/fuse_session.h"
#include "fs/operations.h"

namespace nvdimmfs::fs {
namespace {

constexpr int kFewestThreads = 4, kMostThreads = 16;

// Ends of the mount, as descriptors to poll.
class Ends {
 public:
  Ends() {
    sigemptyset(&signals_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, number);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    signal_fd_ = signalfd(-1, &signals_, SFD_CLOEXEC);
    event_fd_ = eventfd(0, EFD_CLOEXEC);
  }
  ~Ends() {
    close(signal_fd_);
    close(event_fd_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  // Something happened: look.
  void Ring() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(event_fd_, &one, sizeof one);
  }
  // True when a signal asks to end.
  bool Await() {
    pollfd fds[2] = {{signal_fd_, POLLIN, 0}, {event_fd_, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (fds[1].revents & POLLIN) {
      uint64_t count;
      [[maybe_unused]] const ssize_t n = read(event_fd_, &count, sizeof count);
    }
    if ((fds[0].revents & POLLIN) == 0) return false;
    signalfd_siginfo info;
    [[maybe_unused]] const ssize_t n = read(signal_fd_, &info, sizeof info);
    return true;
  }

 private:
  sigset_t signals_, before_;
  int signal_fd_ = -1;
  int event_fd_ = -1;
};

Operations::Owner OwnerOf(const MountOptions& options) {
  return {.uid = options.uid.value_or(getuid()),
          .gid = options.gid.value_or(getgid()),
          .umask = options.umask.value_or(0)};
}

// The daemon leaves its directory, so the mount point must not depend on it.
absl::StatusOr<std::string> MountpointOf(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
  if (real == nullptr)
    return core::Refusal(errno, "mount.point",
                         absl::StrCat("mount on ", path, ": ", strerror(errno)));
  struct stat stat = {};
  if (::stat(real.get(), &stat) == 0 && !S_ISDIR(stat.st_mode))
    return core::Refusal(ENOTDIR, "mount.point",
                         absl::StrCat("mount on ", path, ": it is not a directory"));
  return std::string(real.get());
}

FuseSession::Options SessionOptions(const MountOptions& options, std::string mountpoint) {
  FuseSession::Options session;
  session.mountpoint = std::move(mountpoint);
  session.debug = options.debug;
  session.spins = !options.no_spin;
  session.uring = options.uring;
  session.passthrough = options.passthrough;
  session.fuse_options = options.fuse_options;
  session.fuse_options.push_back("default_permissions");
  session.fuse_options.push_back("subtype=nvdimmfs");
  if (!options.source_name.empty())
    session.fuse_options.push_back(absl::StrCat("fsname=", options.source_name));
  if (options.read_only && !options.commands) session.fuse_options.push_back("ro");
  if (options.allow_other) session.fuse_options.push_back("allow_other");
  // Some requests wait (for the configuration lock, for a flush): the others must not wait with
  // them.
  const int cpus = static_cast<int>(std::thread::hardware_concurrency());
  session.threads = options.single_thread ? 1 : std::clamp(cpus, kFewestThreads, kMostThreads);
  return session;
}

absl::StatusOr<std::unique_ptr<FuseSession>> Mount(Operations& operations, Tree& tree,
                                                   const MountOptions& options) {
  ASSIGN_OR_RETURN(std::string mountpoint, MountpointOf(options.mountpoint));
  return FuseSession::Mount(operations, tree, SessionOptions(options, std::move(mountpoint)));
}

}  // namespace

absl::Status ServeModel(Model& model, Tree& tree, const MountOptions& options,
                        std::function<void(absl::Status)> on_ready) {
  Ends ends;
  Operations operations(tree, model, OwnerOf(options), options.read_only);
  absl::StatusOr<std::unique_ptr<FuseSession>> session = Mount(operations, tree, options);
  if (!session.ok()) {
    on_ready(session.status());
    return session.status();
  }
  std::atomic<bool> ready{false}, unmounted{false};
  (*session)->Start({.on_ready =
                         [&] {
                           ready = true;
                           ends.Ring();
                         },
                     .on_unmount =
                         [&] {
                           unmounted = true;
                           ends.Ring();
                         }});
  bool told = false, asked_to_end = false;
  // Here, not on the worker: what is called may fork, or take its time.
  const auto tell = [&] {
    if (ready && !std::exchange(told, true)) on_ready(absl::OkStatus());
    return told;
  };
  bool has_nodes = false;
  while (!unmounted && !asked_to_end) {
    asked_to_end = ends.Await();
    if (tell() && !std::exchange(has_nodes, true)) tree.MakeNodes();
  }
  (*session)->Unmount();
  tree.Close();
  // A worker may have had the kernel's agreement already, and not come to say so.
  if (tell()) return absl::OkStatus();
  const absl::Status status =
      core::Refusal(EINTR, "mount.ended",
                    absl::StrCat("mount on ", options.mountpoint, ": ended before it was ready"));
  on_ready(status);
  return status;
}

}  // namespace nvdimmfs::fs
