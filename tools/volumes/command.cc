// SPDX-License-Identifier: Apache-2.0
#include "tools/volumes/command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "backends/posix/child.h"
#include "backends/posix/descriptor.h"
#include "core/base/input.h"
#include "core/base/status.h"

namespace nvdimmfs::volumes {
namespace {

using posix::Descriptor;

constexpr size_t kMostSaid = 2000;
constexpr const char* kDirectories[] = {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"};

// The plugin's own environment must not affect programs that it runs.
char kPath[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
char kLocale[] = "LC_ALL=C";
char* const kEnvironment[] = {kPath, kLocale, nullptr};

std::string Resolve(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const char* directory : kDirectories)
    if (const std::string path = directory + name; access(path.c_str(), X_OK) == 0) return path;
  return name;
}

// Runs in the child after fork in a threaded process: only system calls.
[[noreturn]] void Become(const char* path, char* const* arguments, int said, int null, Fate fate,
                         pid_t parent) {
  if (fate == Fate::kDiesWithUs) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
  } else {
    setsid();
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  dup2(said, STDERR_FILENO);
  execve(path, arguments, kEnvironment);
  const char* why = strerrordesc_np(errno);
  [[maybe_unused]] ssize_t n = write(STDERR_FILENO, why, strlen(why));
  _exit(127);
}

std::string ReadAll(int from) {
  std::string said;
  char room[512];
  ssize_t got;
  while ((got = read(from, room, sizeof room)) > 0 || (got < 0 && errno == EINTR))
    if (got > 0 && said.size() < kMostSaid) said.append(room, static_cast<size_t>(got));
  // Some programs print all their options after an error.
  if (const size_t usage = said.find("\nUsage:"); usage != std::string::npos) said.resize(usage);
  return std::string(core::Trim(said));
}

}  // namespace

absl::StatusOr<CommandResult> ResultOfCommand(const std::vector<std::string>& arguments,
                                              Fate fate) {
  const std::string path = Resolve(arguments[0]);
  std::vector<char*> pointers;
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return core::Refusal(errno, "command.start", absl::StrCat("pipe: ", strerror(errno)));
  Descriptor reader(ends[0]), writer(ends[1]);
  const Descriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0)
    return core::Refusal(errno, "command.start", absl::StrCat("fork: ", strerror(errno)));
  if (pid == 0) Become(path.c_str(), pointers.data(), writer.get(), null.get(), fate, parent);
  writer.Close();
  CommandResult result;
  result.said = ReadAll(reader.get());
  const posix::ChildEnd end = posix::AwaitChild(pid);
  result.exit_status = end.signal == 0 ? end.code : -1;
  result.signal_number = end.signal;
  return result;
}

absl::Status RunCommand(const std::vector<std::string>& arguments, Fate fate) {
  ASSIGN_OR_RETURN(const CommandResult result, ResultOfCommand(arguments, fate));
  if (result.exit_status == 0) return absl::OkStatus();
  const std::string how = result.exit_status > 0 ? absl::StrCat("exit status ", result.exit_status)
                                                 : absl::StrCat("signal ", result.signal_number);
  return core::Refusal(EIO, "command.failed",
                       result.said.empty()
                           ? absl::StrCat(arguments[0], ": ", how)
                           : absl::StrCat(arguments[0], ": ", result.said, " (", how, ")"));
}

}  // namespace nvdimmfs::volumes
