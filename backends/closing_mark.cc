// SPDX-License-Identifier: Apache-2.0
#include "backends/closing_mark.h"

#include <fcntl.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/log.h"

namespace nvdimmfs::backends {
namespace {

constexpr absl::Duration kPatienceToTell = absl::Seconds(1), kPause = absl::Milliseconds(25);

// Far past the end of any file, and past the bytes that other programs lock.
constexpr off_t kMark = (off_t{1} << 62) + 0x636c6f73;

struct flock Mark(short type) {
  struct flock mark = {};
  mark.l_type = type;
  mark.l_whence = SEEK_SET;
  mark.l_start = kMark;
  mark.l_len = 1;
  return mark;
}

bool IsBeingClosed(int fd) {
  struct flock mark = Mark(F_WRLCK);
  return fcntl(fd, F_OFD_GETLK, &mark) == 0 && mark.l_type != F_UNLCK;
}

}  // namespace

void MarkClosing(int fd) {
  // Shared, because a read-only descriptor can take no other lock.
  struct flock mark = Mark(F_RDLCK);
  fcntl(fd, F_OFD_SETLK, &mark);
}

bool AwaitClosing(int fd, const std::string& path) {
  if (!IsBeingClosed(fd)) return false;
  const absl::Time told_from = absl::Now() + kPatienceToTell;
  for (bool told = false; IsBeingClosed(fd); absl::SleepFor(kPause)) {
    if (told || absl::Now() < told_from) continue;
    told = true;
    core::Log(core::LogLevel::kNotice, "image.closing",
              absl::StrCat("open ", path,
                           ": its mount was left, but the daemon still writes to disk what was "
                           "stored there. Waiting for its end"));
  }
  return true;
}

}  // namespace nvdimmfs::backends
