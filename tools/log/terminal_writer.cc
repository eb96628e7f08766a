// SPDX-License-Identifier: Apache-2.0
#include "tools/log/terminal_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tools/log/syslog_priority.h"

namespace nvdimmfs::tools {
namespace {

// systemd's JOURNAL_STREAM identifies the descriptor of the journal (systemd.exec(5)).
bool LeadsToJournal(int descriptor) {
  struct stat file;
  const char* stream = getenv("JOURNAL_STREAM");
  return stream != nullptr && fstat(descriptor, &file) == 0 &&
         absl::StrCat(file.st_dev, ":", file.st_ino) == stream;
}

// O_NONBLOCK belongs to the open file description, which others share (such as the user's shell),
// so it needs a separate open. That is not kept: a daemon closes unknown descriptors. -1 if it is
// not possible; files never block a writer.
int OpenWithoutWaiting(int descriptor) {
  struct stat file;
  if (fstat(descriptor, &file) != 0 || !(S_ISFIFO(file.st_mode) || S_ISCHR(file.st_mode)))
    return -1;
  return open(absl::StrCat("/proc/self/fd/", descriptor).c_str(),
              O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

// SIGPIPE is for programs whose purpose is their output. A different setting is kept.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    was_pending_ = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec at_once = {};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_, before_;
  bool was_pending_ = false;
};

// Without our own open file description: poll first. A pipe that has room takes a whole line.
bool HasRoom(int descriptor) {
  pollfd out = {descriptor, POLLOUT, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
}

}  // namespace

TerminalWriter::TerminalWriter(std::string program, int descriptor)
    : program_(std::move(program)),
      descriptor_(descriptor),
      is_journal_(LeadsToJournal(descriptor)) {}

bool TerminalWriter::Write(core::LogLevel level, const std::string& line) {
  const std::string text =
      is_journal_ ? absl::StrCat("<", SyslogPriority(level), ">", line, "\n")
                  : absl::StrCat(program_, ": ", core::NameOf(level), ": ", line, "\n");
  const WithoutSigpipe guard;
  ssize_t written = send(descriptor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (written < 0 && errno == ENOTSOCK) {
    const int own = OpenWithoutWaiting(descriptor_);
    if (own < 0 && !HasRoom(descriptor_)) return false;
    written = write(own >= 0 ? own : descriptor_, text.data(), text.size());
    if (own >= 0) close(own);
  }
  return written == static_cast<ssize_t>(text.size());
}

bool TerminalWriter::WriteEvent(const core::EventKind& kind, const std::string& line) {
  if (is_journal_) {
    if (!journal_) journal_.emplace(program_);
    if (journal_->WriteEvent(kind, line)) return true;
  }
  return Write(kind.level, line);
}

}  // namespace nvdimmfs::tools
