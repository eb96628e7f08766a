// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/serve.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "fs/files/operations.h"
#include "fs/mount/mount_place.h"
#include "fs/mount/signals.h"
#include "fs/protocol/fuse_session.h"

namespace nvdimmfs::fs {
namespace {

constexpr int kFewestThreads = 4, kMostThreads = 16;

// The events that the thread that owns the mount waits for.
class Ends {
 public:
  Ends() : event_fd_(eventfd(0, EFD_CLOEXEC)) {}
  ~Ends() { close(event_fd_); }

  // Wakes the waiting thread.
  void Ring() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(event_fd_, &one, sizeof one);
  }
  // True if a signal requests the end.
  bool Await() {
    pollfd fds[2] = {{signals_.descriptor(), POLLIN, 0}, {event_fd_, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (fds[1].revents & POLLIN) {
      uint64_t count;
      [[maybe_unused]] const ssize_t n = read(event_fd_, &count, sizeof count);
    }
    return (fds[0].revents & POLLIN) != 0;
  }

 private:
  const EndSignals signals_;
  const int event_fd_;
};

Operations::Owner OwnerOf(const MountOptions& options) {
  return {.uid = options.uid.value_or(getuid()),
          .gid = options.gid.value_or(getgid()),
          .umask = options.umask.value_or(0)};
}

FuseSession::Options SessionOptions(const MountOptions& options, std::string mountpoint) {
  FuseSession::Options session;
  session.mountpoint = std::move(mountpoint);
  session.debug = options.debug;
  session.spins = !options.no_spin;
  session.uring = options.uring;
  session.passthrough = options.passthrough;
  session.fuse_options = options.fuse_options;
  session.backing_calls = options.keeper;
  session.unmounter = options.keeper;
  session.fuse_options.push_back("default_permissions");
  session.fuse_options.push_back("subtype=nvdimmfs");
  if (!options.source_name.empty())
    session.fuse_options.push_back(absl::StrCat("fsname=", options.source_name));
  if (options.read_only && !options.commands) session.fuse_options.push_back("ro");
  if (options.allow_other) session.fuse_options.push_back("allow_other");
  // Some requests wait (for the configuration lock, for a flush); others must not wait for those.
  const int cpus = static_cast<int>(std::thread::hardware_concurrency());
  session.threads = options.single_thread ? 1 : std::clamp(cpus, kFewestThreads, kMostThreads);
  return session;
}

absl::StatusOr<std::unique_ptr<FuseSession>> Mount(Operations& operations, Tree& tree,
                                                   const MountOptions& options) {
  // Absolute: the daemon leaves its directory.
  ASSIGN_OR_RETURN(std::string mountpoint, PrepareMountpoint(options.mountpoint));
  return FuseSession::Mount(operations, tree, SessionOptions(options, std::move(mountpoint)));
}

void LogEnd(bool by_signal) {
  const std::optional<EndSignals::Sent> sent = EndSignals::first();
  core::Log(core::LogLevel::kInfo, "mount.end",
            by_signal && sent ? absl::StrCat("unmounts: ", sent->Describe())
                              : "ends: it was unmounted, or its FUSE connection was aborted");
}

}  // namespace

absl::Status ServeModel(Model& model, Tree& tree, const MountOptions& options,
                        std::function<void(absl::Status)> on_ready, std::function<void()> on_end) {
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
  // On this thread, not on a worker: the callee may fork, or take long.
  const auto tell = [&] {
    if (ready && !std::exchange(told, true)) {
      on_ready(absl::OkStatus());
      core::Log(core::LogLevel::kInfo, "mount.start",
                absl::StrCat("mounted", options.read_only ? " read-only" : ""));
    }
    return told;
  };
  bool has_nodes = false;
  while (!unmounted && !asked_to_end) {
    asked_to_end = ends.Await();
    if (tell() && !std::exchange(has_nodes, true)) tree.MakeNodes();
  }
  if (on_end != nullptr) on_end();
  LogEnd(asked_to_end);
  (*session)->Unmount();
  tree.Close();
  // A worker may have completed the handshake without having reported it yet.
  if (tell()) return absl::OkStatus();
  const absl::Status status =
      core::Refusal(EINTR, "mount.ended",
                    absl::StrCat("mount on ", options.mountpoint, ": ended before it was ready"));
  on_ready(status);
  return status;
}

}  // namespace nvdimmfs::fs
