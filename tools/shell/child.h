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
  // `name` is for sentences; `end_signal` is what End sends. Refused with fork's errno,
  // "shell.fork".
  static absl::StatusOr<Helper> Start(std::string name, int end_signal,
                                      const std::function<int()>& run);
  // Ends it.
  ~Helper();
  Helper(Helper&& other) noexcept;
  Helper& operator=(Helper&&) = delete;

  // Waits until something is mounted at `path` (a directory). Refused with EIO, "shell.helper",
  // where the process ends before that.
  absl::Status AwaitMount(const std::string& path);

  // What it returned, where AwaitMount found it ended; nothing where a signal killed it.
  std::optional<int> returned() const { return returned_; }

  // Its signal, and SIGKILL for who does not end in time; unless `patient`: then the wait has no
  // end, and is told after a second. The exit code; 128 and the signal's number for who was killed.
  int End(bool patient = false);

 private:
  Helper(std::string name, int end_signal, pid_t pid)
      : name_(std::move(name)), end_signal_(end_signal), pid_(pid) {}

  std::string name_;
  int end_signal_;
  pid_t pid_;
  std::optional<int> returned_;
};

// What this process holds, and each Helper that it starts from here on: one that stands below the
// others can wait for the end of all of them.
class Lifeline {
 public:
  // Refused with pipe's errno, "shell.fork".
  static absl::StatusOr<Lifeline> Make();
  ~Lifeline();
  Lifeline(Lifeline&& other) noexcept;
  Lifeline& operator=(Lifeline&&) = delete;

  // In a Helper: it holds it no more, and gets SIGTERM when nobody does, not when its parent dies.
  void EndAsLast();

 private:
  Lifeline(int watched, int held) : watched_(watched), held_(held) {}

  int watched_, held_;
};

// Runs `arguments` as a shell would and waits for it: its exit code, 128 and the signal's number
// where one killed it, 127 or 126 where it cannot be run (with a sentence on stderr). Meanwhile
// this process ignores ^C and passes SIGTERM and SIGHUP on; when it dies, the command gets SIGHUP.
// `started` is called here once the command has its own process.
int RunCommand(const std::vector<std::string>& arguments, const std::function<void()>& started);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_CHILD_H_
