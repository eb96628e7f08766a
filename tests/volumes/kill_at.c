// SPDX-License-Identifier: Apache-2.0
/* Preloaded into a process, kills it before one of its calls that change something.
 *
 * KILL_AT names a file with two little-endian 64-bit numbers, which the test also maps: the number
 * of such calls so far, and the call before which to kill the process (0: none). It counts the
 * calls of all threads of the process, but not those of its children, which are other programs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
  _Atomic uint64_t count;
  _Atomic uint64_t limit;
} * page;
static pid_t self;

__attribute__((constructor)) static void Start(void) {
  const char* path = getenv("KILL_AT");
  const int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* mapped = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped == MAP_FAILED) return;
  page = mapped;
  self = getpid();
}

static void Step(void) {
  if (page == NULL || getpid() != self) return;
  if (atomic_fetch_add(&page->count, 1) + 1 != atomic_load(&page->limit)) return;
  kill(self, SIGKILL);
  for (;;) pause();
}

#define WRAP(type, name, parameters, arguments)                           \
  type name parameters {                                                  \
    static type(*real) parameters;                                        \
    if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
    Step();                                                               \
    return real arguments;                                                \
  }

WRAP(ssize_t, write, (int fd, const void* data, size_t size), (fd, data, size))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, syncfs, (int fd), (fd))
WRAP(int, rename, (const char* from, const char* to), (from, to))
WRAP(int, unlink, (const char* path), (path))
WRAP(int, unlinkat, (int fd, const char* path, int flags), (fd, path, flags))
WRAP(int, mkdir, (const char* path, mode_t mode), (path, mode))
WRAP(int, rmdir, (const char* path), (path))
WRAP(int, chown, (const char* path, uid_t uid, gid_t gid), (path, uid, gid))
WRAP(int, chmod, (const char* path, mode_t mode), (path, mode))
WRAP(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, fallocate, (int fd, int mode, off_t offset, off_t size), (fd, mode, offset, size))
WRAP(int, umount2, (const char* path, int flags), (path, flags))
WRAP(int, mount,
     (const char* from, const char* on, const char* type, unsigned long flags, const void* data),
     (from, on, type, flags, data))
WRAP(pid_t, fork, (void), ())
/* Also after the child's end: its work is done, but its result is not yet known. */
WRAP(pid_t, waitpid, (pid_t pid, int* status, int flags), (pid, status, flags))

int ioctl(int fd, unsigned long request, ...) {
  static int (*real)(int, unsigned long, ...);
  va_list list;
  va_start(list, request);
  void* argument = va_arg(list, void*);
  va_end(list);
  if (real == NULL) real = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  Step();
  return real(fd, request, argument);
}
