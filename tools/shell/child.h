// SPDX-License-Identifier: Apache-2.0
// Children of the shell: helpers that must not outlive it, and the command itself.
//
// Thread rules: the caller has one thread; the death signal is tied to it.
#ifndef NVDIMMFS_TOOLS_SHELL_CHILD_H_
#define NVDIMMFS_TOOLS_SHELL_CHILD_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nvdimmfs::tools {

// A process that runs a function. It has a session of its own, so that what a terminal sends to the
// command (^C) does not reach it; when this process dies, however, it gets SIGTERM.
class Helper {
 public:
  // `name` appears in messages; End sends `end_signal`. Refused with fork's errno, "shell.fork".
  static absl::StatusOr<Helper> Start(std::string name, int end_signal,
                                      const std::function<int()>& run);
  // Ends it.
  ~Helper();
  Helper(Helper&& other) noexcept;
  Helper& operator=(Helper&&) = delete;

  // Waits until something is mounted on the directory `path`. Refused with EIO, "shell.helper", if
  // the process ends before that.
  absl::Status AwaitMount(const std::string& path);

  // The exit code, if AwaitMount found that the process ended; nothing if a signal killed it.
  std::optional<int> returned() const { return returned_; }

  // Sends the end signal and waits; after 20 s it sends SIGKILL. If `patient`, it waits without a
  // limit, and says so after a second. Returns the exit code, or 128 plus the number of the signal
  // that killed the process.
  int End(bool patient = false);

 private:
  Helper(std::string name, int end_signal, pid_t pid)
      : name_(std::move(name)), end_signal_(end_signal), pid_(pid) {}

  std::string name_;
  int end_signal_;
  pid_t pid_;
  std::optional<int> returned_;
};

// A pipe that this process, and each Helper that it starts from then on, holds open. A Helper that
// the others depend on can so wait for the end of all of them.
class Lifeline {
 public:
  // Refused with pipe's errno, "shell.fork".
  static absl::StatusOr<Lifeline> Make();
  ~Lifeline();
  Lifeline(Lifeline&& other) noexcept;
  Lifeline& operator=(Lifeline&&) = delete;

  // In a Helper: closes its end. The Helper then gets SIGTERM when no process holds the pipe any
  // more, instead of when its parent dies.
  void EndAsLast();

 private:
  Lifeline(int watched, int held) : watched_(watched), held_(held) {}

  int watched_, held_;
};

// Runs `arguments` as a shell would and waits for the command. Returns its exit code; 128 plus the
// number of the signal that killed it; 127 or 126 if it cannot be run (with a message on stderr).
// Meanwhile this process ignores ^C and forwards SIGTERM and SIGHUP; if it dies, the command gets
// SIGHUP. `started` is called in this process once the command has its own.
int RunCommand(const std::vector<std::string>& arguments, const std::function<void()>& started);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_CHILD_H_
