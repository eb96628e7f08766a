// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/daemon.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace nvdimmfs::fs {
namespace {

absl::Status Failed(absl::string_view what) {
  return core::Refusal(errno, "daemon.fork", absl::StrCat(what, ": ", strerror(errno)));
}

std::string ReadAll(int from) {
  std::string text;
  std::array<char, 512> piece;
  ssize_t n;
  while ((n = read(from, piece.data(), piece.size())) != 0) {
    if (n > 0) text.append(piece.data(), static_cast<size_t>(n));
    if (n < 0 && errno != EINTR) break;
  }
  return text;
}

// The report is one byte, the exit code, followed by the message.
[[noreturn]] void WaitForChild(int report) {
  const std::string text = ReadAll(report);
  if (text.empty()) {
    fputs("nvdimmfs: the daemon ended before it was ready\n", stderr);
    _exit(1);
  }
  if (text.size() > 1) fprintf(stderr, "nvdimmfs: %s\n", text.c_str() + 1);
  _exit(static_cast<unsigned char>(text[0]));
}

void CloseRange(unsigned first, unsigned last) {
  if (first > last || close_range(first, last, 0) == 0) return;
  // For kernels before 5.9.
  const auto limit = static_cast<unsigned>(std::min<long>(sysconf(_SC_OPEN_MAX), 1 << 20));
  for (unsigned fd = first; fd <= std::min(last, limit); ++fd) close(static_cast<int>(fd));
}

void CloseInherited(const std::set<int>& kept) {
  unsigned first = 3;
  for (const int fd : kept) {
    if (fd < 3) continue;
    CloseRange(first, static_cast<unsigned>(fd) - 1);
    first = static_cast<unsigned>(fd) + 1;
  }
  CloseRange(first, ~0u);
}

void LeaveTerminal() {
  setsid();
  if (chdir("/") != 0) return;
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return;
  for (const int stream : {0, 1, 2}) dup2(null, stream);
  if (null > 2) close(null);
}

}  // namespace

absl::StatusOr<Daemon> Daemon::Fork(const std::set<int>& kept) {
  CloseInherited(kept);
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Failed("pipe");
  fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return Failed("fork");
  if (child > 0) {
    close(ends[1]);
    WaitForChild(ends[0]);
  }
  close(ends[0]);
  return Daemon(ends[1]);
}

void Daemon::Report(const absl::Status& status, int exit_code) {
  const int report = std::exchange(report_, -1);
  if (report < 0) return;
  if (status.ok()) LeaveTerminal();
  std::string text(1, static_cast<char>(status.ok() ? 0 : exit_code));
  absl::StrAppend(&text, status.message());
  // The parent may have been killed; then nothing reads the report.
  [[maybe_unused]] const ssize_t n = write(report, text.data(), text.size());
  close(report);
}

Daemon::Daemon(Daemon&& other) noexcept : report_(std::exchange(other.report_, -1)) {}

Daemon::~Daemon() {
  if (report_ >= 0) close(report_);
}

}  // namespace nvdimmfs::fs
