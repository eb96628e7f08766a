// SPDX-License-Identifier: Apache-2.0
#include "backends/block_locks.h"

#include <fcntl.h>

#include <cerrno>
#include <vector>

namespace nvdimmfs::backends {
namespace {

// Operations that a user performs or excludes, by number.
constexpr off_t kReads = 0, kWrites = 1, kResizes = 3;
constexpr off_t kDone = 100, kNotBorne = 200;

struct flock ByteLock(short type, off_t byte) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

// Whether another user has a lock on the byte.
bool IsLocked(int fd, off_t byte) {
  struct flock lock = ByteLock(F_WRLCK, byte);
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

bool TakeBlockLocks(int fd, bool read_only) {
  const std::vector<off_t> doing =
      read_only ? std::vector<off_t>{kReads} : std::vector<off_t>{kReads, kWrites, kResizes};
  const std::vector<off_t> not_borne = {kWrites, kResizes};
  // First take ours, then check for theirs: if two users arrive at the same time, at least one sees
  // the other.
  bool free = true;
  const auto take = [&](off_t byte) {
    struct flock lock = ByteLock(F_RDLCK, byte);
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES)) free = false;
  };
  for (const off_t what : doing) take(kDone + what);
  for (const off_t what : not_borne) take(kNotBorne + what);
  for (const off_t what : doing) free = free && !IsLocked(fd, kNotBorne + what);
  for (const off_t what : not_borne) free = free && !IsLocked(fd, kDone + what);
  if (free) return true;
  for (const off_t first : {kDone, kNotBorne})
    for (const off_t what : {kReads, kWrites, kResizes}) {
      struct flock lock = ByteLock(F_UNLCK, first + what);
      fcntl(fd, F_OFD_SETLK, &lock);
    }
  return false;
}

}  // namespace nvdimmfs::backends
