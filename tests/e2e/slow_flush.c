// SPDX-License-Identifier: Apache-2.0
// Preloaded into a daemon: its fdatasync waits while the file FLUSH_HELD names exists, fails where
// FLUSH_FAILS is set, and appends a byte to the file FLUSH_COUNT names.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int fd) {
  const char* count = getenv("FLUSH_COUNT");
  if (count != NULL) {
    const int to = open(count, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (write(to, "x", 1) != 1) abort();
    close(to);
  }
  const char* held = getenv("FLUSH_HELD");
  while (held != NULL && access(held, F_OK) == 0) usleep(10000);
  if (getenv("FLUSH_FAILS") != NULL) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(SYS_fdatasync, fd);
}
