#include "backends/closing_mark.h"

#include <fcntl.h>

namespace nvdimmfs::backends {
namespace {

// Far behind the end of any file, and of the bytes that other programs lock.
constexpr off_t kMark = (off_t{1} << 62) + 0x636c6f73;

struct flock Mark(short type) {
  struct flock mark = {};
  mark.l_type = type;
  mark.l_whence = SEEK_SET;
  mark.l_start = kMark;
  mark.l_len = 1;
  return mark;
}

}  // namespace

void MarkClosing(int fd) {
  // Shared, because a read-only descriptor can have no other.
  struct flock mark = Mark(F_RDLCK);
  fcntl(fd, F_OFD_SETLK, &mark);
}

bool IsBeingClosed(int fd) {
  struct flock mark = Mark(F_WRLCK);
  return fcntl(fd, F_OFD_GETLK, &mark) == 0 && mark.l_type != F_UNLCK;
}

}  // namespace nvdimmfs::backends
