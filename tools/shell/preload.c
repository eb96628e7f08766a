/* Loaded into every program of the shell: makes /dev/nmemN and /dev/ndctlN character devices that
 * take ioctls, and /dev/daxN.M one that opens.
 *
 * open(2) of such a name opens the device's command file (fs/command_wire.h) or the tree's data
 * file instead, fstat(2) of the descriptor shows the device that sysfs names, and ioctl(2) carries
 * the whole buffer to the daemon and back. All meaning is the daemon's. Everything else goes
 * straight to the C library, as do these names where sysfs has no command file for them; a real
 * node (control_nodes.h) is opened as it is.
 *
 * No lock, no allocation, errno kept: safe wherever open and ioctl are. Static programs, setuid
 * programs and raw system calls are not reached. */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE /* this file defines functions that it would redirect */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/shell/command_client.h"
#include "tools/shell/module_places.h"

#define EXPORT __attribute__((visibility("default")))

/* --- What we know of a descriptor. --- */

enum kind { NONE, DIMM, BUS, DAX };

struct device {
  enum kind kind;
  unsigned number, second; /* nmem7: 7; dax1.2: 1 and 2 */
};

/* One word per descriptor: kind, whether it may write, the numbers. 0 for all others. */
#define DESCRIPTORS 65536
static _Atomic uint32_t known[DESCRIPTORS];

#define MAY_WRITE 8u

static uint32_t pack(struct device device, unsigned may_write) {
  return device.kind | may_write | (device.number & 0xfff) << 4 | (device.second & 0xffff) << 16;
}

static struct device unpack(uint32_t word) {
  struct device device = {(enum kind)(word & 7), word >> 4 & 0xfff, word >> 16};
  return device;
}

static uint32_t what_is(int fd) {
  return fd >= 0 && fd < DESCRIPTORS ? atomic_load(&known[fd]) : 0;
}

static void remember(int fd, uint32_t word) {
  if (fd >= 0 && fd < DESCRIPTORS) atomic_store(&known[fd], word);
}

/* "/dev/nmem7" exactly. */
static struct device parse(const char* path) {
  struct device device = {NONE, 0, 0};
  char after;
  if (path == NULL || strncmp(path, "/dev/", 5) != 0) return device;
  path += 5;
  if (sscanf(path, "nmem%u%c", &device.number, &after) == 1)
    device.kind = DIMM;
  else if (sscanf(path, "ndctl%u%c", &device.number, &after) == 1)
    device.kind = BUS;
  else if (sscanf(path, "dax%u.%u%c", &device.number, &device.second, &after) == 2)
    device.kind = DAX;
  return device;
}

/* `attribute` of the device in sysfs, or the file that is opened for it (null). */
static void locate(struct device device, const char* attribute, char* out, size_t size) {
  if (device.kind == DIMM)
    snprintf(out, size, "/sys/bus/nd/devices/nmem%u/%s", device.number,
             attribute ? attribute : "x/ioctl");
  else if (device.kind == BUS)
    snprintf(out, size, "/sys/class/nd/ndctl%u/%s", device.number,
             attribute ? attribute : "x/ioctl");
  else if (attribute)
    snprintf(out, size, "/sys/bus/dax/devices/dax%u.%u/%s", device.number, device.second,
             attribute);
  else
    snprintf(out, size, "/dev/.nvdimmfs/tree/dev/dax%u.%u", device.number, device.second);
}

/* --- open --- */

static int real_open(int directory, const char* path, int flags, mode_t mode) {
  return (int)syscall(SYS_openat, directory, path, flags | O_LARGEFILE, mode);
}

static int open_device(struct device device, const char* path, int flags, mode_t mode) {
  const int before = errno;
  char file[128];
  if (device.kind != DAX) {
    const int node = real_open(AT_FDCWD, path, flags, mode);
    if (node >= 0) return node;
    errno = before;
  }
  locate(device, NULL, file, sizeof file);
  const int may_write = (flags & O_ACCMODE) != O_RDONLY;
  /* A command is written and its reply read, whatever the caller may do. */
  const int access = device.kind == DAX ? (flags & O_ACCMODE) : O_RDWR;
  const int fd = real_open(AT_FDCWD, file, access | (flags & O_CLOEXEC), 0);
  if (fd < 0) {
    if (errno != ENOENT) return -1;
    locate(device, "dev", file, sizeof file);
    if (device.kind == DAX && syscall(SYS_faccessat, AT_FDCWD, file, F_OK) == 0) {
      errno = ENXIO; /* it is there, but the driver device_dax does not have it */
      return -1;
    }
    errno = before;
    return real_open(AT_FDCWD, path, flags, mode);
  }
  remember(fd, pack(device, may_write ? MAY_WRITE : 0));
  return fd;
}

typedef int (*open_function)(const char*, int, ...);
typedef int (*openat_function)(int, const char*, int, ...);

/* The next definition of a symbol, looked up once. */
#define NEXT(type, name)                                \
  static _Atomic(type) next;                            \
  type function = atomic_load(&next);                   \
  if (function == NULL) {                               \
    function = (type)(uintptr_t)dlsym(RTLD_NEXT, name); \
    atomic_store(&next, function);                      \
  }

static mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                                   \
  EXPORT int name(const char* path, int flags, ...) {                       \
    va_list arguments;                                                      \
    va_start(arguments, flags);                                             \
    const mode_t mode = mode_of(flags, arguments);                          \
    va_end(arguments);                                                      \
    const struct device device = parse(path);                               \
    if (device.kind != NONE) return open_device(device, path, flags, mode); \
    NEXT(open_function, #name)                                              \
    return function(path, flags, mode);                                     \
  }

#define DEFINE_OPENAT(name)                                                 \
  EXPORT int name(int directory, const char* path, int flags, ...) {        \
    va_list arguments;                                                      \
    va_start(arguments, flags);                                             \
    const mode_t mode = mode_of(flags, arguments);                          \
    va_end(arguments);                                                      \
    const struct device device = parse(path);                               \
    if (device.kind != NONE) return open_device(device, path, flags, mode); \
    NEXT(openat_function, #name)                                            \
    return function(directory, path, flags, mode);                          \
  }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPEN(__open_2)
DEFINE_OPEN(__open64_2)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)
DEFINE_OPENAT(__openat_2)
DEFINE_OPENAT(__openat64_2)

/* --- stat of a descriptor --- */

static void show_device(int fd, mode_t* mode, dev_t* number) {
  const uint32_t word = what_is(fd);
  if (word == 0) return;
  const int before = errno;
  char file[128], text[32] = "";
  unsigned major_number, minor_number;
  locate(unpack(word), "dev", file, sizeof file);
  const int attribute = real_open(AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0);
  if (attribute >= 0) {
    const ssize_t length = syscall(SYS_read, attribute, text, sizeof text - 1);
    syscall(SYS_close, attribute);
    if (length > 0 && sscanf(text, "%u:%u", &major_number, &minor_number) == 2) {
      *mode = S_IFCHR | 0600;
      *number = makedev(major_number, minor_number);
    }
  }
  errno = before;
}

typedef int (*fstat_function)(int, struct stat*);
typedef int (*fstat64_function)(int, struct stat64*);
typedef int (*fxstat_function)(int, int, struct stat*);
typedef int (*fxstat64_function)(int, int, struct stat64*);

EXPORT int fstat(int fd, struct stat* stat) {
  NEXT(fstat_function, "fstat")
  const int result = function(fd, stat);
  if (result == 0) show_device(fd, &stat->st_mode, &stat->st_rdev);
  return result;
}

EXPORT int fstat64(int fd, struct stat64* stat) {
  NEXT(fstat64_function, "fstat64")
  const int result = function(fd, stat);
  if (result == 0) show_device(fd, &stat->st_mode, &stat->st_rdev);
  return result;
}

EXPORT int __fxstat(int version, int fd, struct stat* stat) {
  NEXT(fxstat_function, "__fxstat")
  const int result = function(version, fd, stat);
  if (result == 0) show_device(fd, &stat->st_mode, &stat->st_rdev);
  return result;
}

EXPORT int __fxstat64(int version, int fd, struct stat64* stat) {
  NEXT(fxstat64_function, "__fxstat64")
  const int result = function(version, fd, stat);
  if (result == 0) show_device(fd, &stat->st_mode, &stat->st_rdev);
  return result;
}

/* --- ioctl --- */

static int command(int fd, uint32_t word, unsigned nr, void* buffer) {
  const bool dimm = unpack(word).kind == DIMM;
  uint64_t length = 0, more;
  while (length <= NVDIMMFS_COMMAND_LIMIT &&
         (more = nvdimmfs_command_length(dimm, nr, buffer, length)) > length)
    length = more;
  const int result = nvdimmfs_command_run(fd, nr, (word & MAY_WRITE) != 0, buffer, length);
  if (result >= 0) return result;
  errno = -result;
  return -1;
}

typedef int (*ioctl_function)(int, unsigned long, ...);

EXPORT int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  const uint32_t word = what_is(fd);
  if (word != 0 && unpack(word).kind != DAX) return command(fd, word, request & 0xff, argument);
  NEXT(ioctl_function, "ioctl")
  return function(fd, request, argument);
}

/* --- Modules, for programs that use libkmod --- */

struct kmod_module;
typedef const char* (*module_text_function)(const struct kmod_module*);
typedef int (*module_remove_function)(struct kmod_module*, unsigned);
typedef int (*module_insert_function)(struct kmod_module*, unsigned, const char*);
typedef int (*run_install_function)(struct kmod_module*, const char*, void*);
typedef void (*print_action_function)(struct kmod_module*, bool, const char*);
typedef int (*module_probe_function)(struct kmod_module*, unsigned, const char*,
                                     run_install_function, const void*, print_action_function);

/* Those that sysfs shows as loaded, from where a test wants its own to come from. */
static const char* const modules[] = {
#define NVDIMMFS_MODULE(name) "/lib/modules/extra/" name ".ko",
#include "tools/shell/modules.inc"
#undef NVDIMMFS_MODULE
};

/* The path of a module that is ours, else null. */
static const char* path_of(const struct kmod_module* module) {
  NEXT(module_text_function, "kmod_module_get_name")
  const char* const name = function == NULL ? NULL : function(module);
  if (name == NULL) return NULL;
  const size_t length = strlen(name);
  for (size_t i = 0; i < sizeof modules / sizeof *modules; ++i) {
    const char* const file = strrchr(modules[i], '/') + 1;
    if (strncmp(file, name, length) == 0 && strcmp(file + length, ".ko") == 0) return modules[i];
  }
  return NULL;
}

EXPORT const char* kmod_module_get_path(const struct kmod_module* module) {
  const char* const path = path_of(module);
  NEXT(module_text_function, "kmod_module_get_path")
  return path != NULL || function == NULL ? path : function(module);
}

/* The emulated buses go with their module, and come as new; the others are always there. 0, or a
 * negative errno. */
static int load(const char* module, bool loaded) {
  if (strstr(module, "/" NVDIMMFS_BUS_MODULE ".ko") == NULL) return 0;
  const int before = errno;
  const int file = real_open(AT_FDCWD, NVDIMMFS_LOADED, O_WRONLY | O_CLOEXEC, 0);
  int result = file < 0 && errno != ENOENT ? -errno : 0;
  if (file >= 0 && syscall(SYS_write, file, loaded ? "1" : "0", 1) != 1) result = -errno;
  if (file >= 0) syscall(SYS_close, file);
  /* Where it is so already there is nothing to rename. */
  if (result == 0 && loaded) rename(NVDIMMFS_BUS_MODULE_UNLOADED, NVDIMMFS_BUS_MODULE_LOADED);
  if (result == 0 && !loaded) rename(NVDIMMFS_BUS_MODULE_LOADED, NVDIMMFS_BUS_MODULE_UNLOADED);
  errno = before;
  return result;
}

EXPORT int kmod_module_insert_module(struct kmod_module* module, unsigned flags,
                                     const char* options) {
  const char* const path = path_of(module);
  if (path != NULL) return load(path, true);
  NEXT(module_insert_function, "kmod_module_insert_module")
  return function == NULL ? -ENOSYS : function(module, flags, options);
}

EXPORT int kmod_module_probe_insert_module(struct kmod_module* module, unsigned flags,
                                           const char* options, run_install_function install,
                                           const void* data, print_action_function print) {
  const char* const path = path_of(module);
  if (path != NULL) return load(path, true);
  NEXT(module_probe_function, "kmod_module_probe_insert_module")
  return function == NULL ? -ENOSYS : function(module, flags, options, install, data, print);
}

EXPORT int kmod_module_remove_module(struct kmod_module* module, unsigned flags) {
  const char* const path = path_of(module);
  if (path != NULL) return load(path, false);
  NEXT(module_remove_function, "kmod_module_remove_module")
  return function == NULL ? -ENOSYS : function(module, flags);
}

/* --- Descriptors that end, and copies --- */

typedef int (*close_function)(int);
typedef int (*dup_function)(int);
typedef int (*dup2_function)(int, int);
typedef int (*dup3_function)(int, int, int);

EXPORT int close(int fd) {
  remember(fd, 0);
  NEXT(close_function, "close")
  return function(fd);
}

EXPORT int dup(int fd) {
  NEXT(dup_function, "dup")
  const int copy = function(fd);
  remember(copy, what_is(fd));
  return copy;
}

EXPORT int dup2(int fd, int to) {
  NEXT(dup2_function, "dup2")
  const int copy = function(fd, to);
  remember(copy, what_is(fd));
  return copy;
}

EXPORT int dup3(int fd, int to, int flags) {
  NEXT(dup3_function, "dup3")
  const int copy = function(fd, to, flags);
  remember(copy, what_is(fd));
  return copy;
}
