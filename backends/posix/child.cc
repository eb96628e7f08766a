// SPDX-License-Identifier: Apache-2.0
#include "backends/posix/child.h"

#include <sys/wait.h>

#include <cerrno>

namespace nvdimmfs::posix {
namespace {

constexpr int kUnknown = 255;

std::optional<ChildEnd> Wait(pid_t child, int options) {
  int status = 0;
  pid_t ended;
  while ((ended = waitpid(child, &status, options)) < 0 && errno == EINTR) {
  }
  if (ended == 0) return std::nullopt;
  if (ended < 0) return ChildEnd{.code = kUnknown};
  if (WIFSIGNALED(status)) return ChildEnd{.signal = WTERMSIG(status)};
  return ChildEnd{.code = WEXITSTATUS(status)};
}

}  // namespace

ChildEnd AwaitChild(pid_t child) { return Wait(child, 0).value_or(ChildEnd{.code = kUnknown}); }

std::optional<ChildEnd> PollChild(pid_t child) { return Wait(child, WNOHANG); }

}  // namespace nvdimmfs::posix
