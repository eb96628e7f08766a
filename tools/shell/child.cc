// SPDX-License-Identifier: Apache-2.0
#include "tools/shell/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/posix/child.h"
#include "core/base/status.h"
#include "core/base/utf8.h"

namespace nvdimmfs::tools {
namespace {

constexpr int kPollMicroseconds = 1000;
constexpr int kPatienceSeconds = 20;  // for a helper to end

void Pause() {
  const struct timespec pause = {.tv_nsec = kPollMicroseconds * 1000};
  nanosleep(&pause, nullptr);
}

// Requests signal `number` for the death of `parent`; exits if the parent is dead already.
void DieWith(pid_t parent, int number) {
  prctl(PR_SET_PDEATHSIG, number);
  if (getppid() != parent) _exit(1);
}

// --- Signals while the command runs. ---

volatile pid_t command_pid = 0;

void PassOn(int number) {
  if (command_pid > 0) kill(command_pid, number);
}

void Handle(int number, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(number, &action, nullptr);
}

[[noreturn]] void Exec(const std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  const int error = errno;
  fprintf(stderr, "nvdimmfs: shell: %s: %s\n", core::EscapeSentence(pointers[0]).c_str(),
          strerror(error));
  _exit(error == ENOENT ? 127 : 126);
}

}  // namespace

absl::StatusOr<Helper> Helper::Start(std::string name, int end_signal,
                                     const std::function<int()>& run) {
  fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0)
    return core::Refusal(errno, "shell.fork", absl::StrCat("shell: fork: ", strerror(errno)));
  if (pid == 0) {
    setsid();
    signal(SIGTERM, SIG_DFL);  // a handler of the caller would swallow the one below
    DieWith(parent, SIGTERM);
    // A reader of the command's output must not wait for the helper to close its copy of the pipe.
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
      dup2(null, STDIN_FILENO);
      dup2(null, STDOUT_FILENO);
    }
    // Standard error belongs to the user and may be closed.
    signal(SIGPIPE, SIG_IGN);
    const int code = run();
    fflush(nullptr);
    _exit(code);
  }
  return Helper(std::move(name), end_signal, pid);
}

Helper::Helper(Helper&& other) noexcept
    : name_(std::move(other.name_)),
      end_signal_(other.end_signal_),
      pid_(std::exchange(other.pid_, 0)),
      returned_(other.returned_) {}

Helper::~Helper() { End(); }

absl::Status Helper::AwaitMount(const std::string& path) {
  struct stat above = {}, at = {};
  stat(absl::StrCat(path, "/..").c_str(), &above);
  while (true) {
    if (stat(path.c_str(), &at) == 0 && at.st_dev != above.st_dev) return absl::OkStatus();
    if (const auto end = posix::PollChild(pid_)) {
      pid_ = 0;
      if (end->signal == 0) returned_ = end->code;
      return core::Refusal(EIO, "shell.helper",
                           absl::StrCat("shell: ", name_, " ended with ", end->exit_code()));
    }
    Pause();
  }
}

int Helper::End(bool patient) {
  if (pid_ <= 0) return 0;
  kill(pid_, end_signal_);
  constexpr int kSecond = 1'000'000 / kPollMicroseconds;
  std::optional<posix::ChildEnd> end;
  for (int waited = 0; !(end = posix::PollChild(pid_)); ++waited) {
    if (patient && waited == kSecond)
      fprintf(stderr, "nvdimmfs: shell: %s is still writing data to disk; waiting\n",
              name_.c_str());
    if (!patient && waited == kPatienceSeconds * kSecond) kill(pid_, SIGKILL);
    Pause();
  }
  pid_ = 0;
  return end->exit_code();
}

absl::StatusOr<Lifeline> Lifeline::Make() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return core::Refusal(errno, "shell.fork", absl::StrCat("shell: pipe: ", strerror(errno)));
  return Lifeline(ends[0], ends[1]);
}

Lifeline::Lifeline(Lifeline&& other) noexcept
    : watched_(std::exchange(other.watched_, -1)), held_(std::exchange(other.held_, -1)) {}

Lifeline::~Lifeline() {
  for (const int end : {watched_, held_})
    if (end >= 0) close(end);
}

void Lifeline::EndAsLast() {
  close(std::exchange(held_, -1));
  fcntl(watched_, F_SETOWN, getpid());
  fcntl(watched_, F_SETSIG, SIGTERM);
  fcntl(watched_, F_SETFL, O_ASYNC);
  prctl(PR_SET_PDEATHSIG, 0);
  // All of them may have ended before the signal was requested.
  pollfd end = {watched_, 0, 0};
  if (poll(&end, 1, 0) != 0) raise(SIGTERM);
}

int RunCommand(const std::vector<std::string>& arguments, const std::function<void()>& started) {
  // Until the handlers below are installed.
  sigset_t late, before;
  sigemptyset(&late);
  for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) sigaddset(&late, number);
  sigprocmask(SIG_BLOCK, &late, &before);
  fflush(nullptr);
  // Writing a message after the command must not kill the shell before it has cleaned up.
  const auto pipe_before = signal(SIGPIPE, SIG_IGN);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    fprintf(stderr, "nvdimmfs: shell: fork: %s\n", strerror(errno));
    return 126;
  }
  if (pid == 0) {
    DieWith(parent, SIGHUP);
    signal(SIGPIPE, pipe_before);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    Exec(arguments);
  }
  command_pid = pid;
  started();
  Handle(SIGINT, SIG_IGN);
  Handle(SIGQUIT, SIG_IGN);
  Handle(SIGTERM, PassOn);
  Handle(SIGHUP, PassOn);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  const posix::ChildEnd end = posix::AwaitChild(pid);
  command_pid = 0;
  return end.exit_code();
}

}  // namespace nvdimmfs::tools
