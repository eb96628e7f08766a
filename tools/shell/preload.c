// SPDX-License-Identifier: Apache-2.0
/* Loaded into every program of the shell. It makes /dev/nmemN and /dev/ndctlN character devices
 * that take ioctls, and /dev/daxN.M one that can be opened. If /dev/pmemN is a file, it answers the
 * ioctls of a block device for it.
 *
 * open(2) of such a name opens the device's command file (fs/files/command_wire.h) or the tree's
 * data file instead, fstat(2) of the descriptor shows the device that sysfs names, and ioctl(2)
 * carries the whole buffer to the daemon and back, which interprets it. All other calls go to the C
 * library, as do these names if sysfs has no command file for them; a real node (control_nodes.h)
 * is opened as it is.
 *
 * It takes no lock, allocates nothing and preserves errno: it is safe wherever open and ioctl are.
 * It does not reach static programs, setuid programs and raw system calls. */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE /* this file defines functions that it would redirect */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/blkzoned.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tools/shell/command_client.h"
#include "tools/shell/module_places.h"

#define BLKGETDISKSEQ_ _IOR(0x12, 128, uint64_t) /* headers before Linux 5.15 lack it */

#define EXPORT __attribute__((visibility("default")))

/* --- What is known about a descriptor. --- */

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
  /* Read and write, whatever the caller's access mode: a command is written and its reply read. */
  const int access = device.kind == DAX ? (flags & O_ACCMODE) : O_RDWR;
  const int fd = real_open(AT_FDCWD, file, access | (flags & O_CLOEXEC), 0);
  if (fd < 0) {
    if (errno != ENOENT) return -1;
    locate(device, "dev", file, sizeof file);
    if (device.kind == DAX && syscall(SYS_faccessat, AT_FDCWD, file, F_OK) == 0) {
      errno = ENXIO; /* it exists, but is not bound to device_dax */
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

/* Properties of a block device, from its disk's attributes. */
#define BLOCK_IOCTLS 0x12
static const struct block_answer {
  unsigned long request;
  const char* attribute;
  unsigned unit; /* of the attribute, in those of the answer */
  size_t size;   /* of the answer */
} block_answers[] = {
    {BLKROGET, "ro", 1, sizeof(int)},
    {BLKGETSIZE, "size", 1, sizeof(long)},
    {BLKGETSIZE64, "size", 512, sizeof(uint64_t)},
    {BLKSSZGET, "queue/logical_block_size", 1, sizeof(int)},
    {BLKPBSZGET, "queue/physical_block_size", 1, sizeof(int)},
    {BLKBSZGET, "queue/physical_block_size", 1, sizeof(int)},
    {BLKIOMIN, "queue/minimum_io_size", 1, sizeof(int)},
    {BLKIOOPT, "queue/optimal_io_size", 1, sizeof(int)},
    {BLKALIGNOFF, "alignment_offset", 1, sizeof(int)},
    {BLKDISCARDZEROES, "queue/discard_zeroes_data", 1, sizeof(int)},
    {BLKROTATIONAL, "queue/rotational", 1, sizeof(short)},
    {BLKRAGET, "queue/read_ahead_kb", 2, sizeof(long)},
    {BLKFRAGET, "queue/read_ahead_kb", 2, sizeof(long)},
    {BLKSECTGET, "queue/max_sectors_kb", 2, sizeof(short)},
    {BLKGETZONESZ, "queue/chunk_sectors", 1, sizeof(uint32_t)},
    {BLKGETNRZONES, "queue/nr_zones", 1, sizeof(uint32_t)},
    {BLKGETDISKSEQ_, "diskseq", 1, sizeof(uint64_t)},
};

/* The name of the disk whose data file the descriptor has open, however it was passed on; false for
 * other files. */
static bool find_disk(int fd, char* name, size_t size) {
  static const char folder[] = "/dev/.nvdimmfs/tree/dev/";
  char link[32], path[128];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = '\0';
  if (strncmp(path, folder, sizeof folder - 1) != 0) return false;
  return snprintf(name, size, "%s", path + sizeof folder - 1) < (int)size &&
         strncmp(name, "pmem", 4) == 0;
}

static bool read_attribute(const char* disk, const char* attribute, uint64_t* value) {
  char path[128], text[32] = "";
  snprintf(path, sizeof path, "/sys/class/block/%s/%s", disk, attribute);
  const int file = real_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return false;
  const ssize_t length = syscall(SYS_read, file, text, sizeof text - 1);
  syscall(SYS_close, file);
  return length > 0 && sscanf(text, "%" SCNu64, value) == 1;
}

/* As the pmem driver: no discard; zeroing writes zeros. */
static int change_block(int fd, unsigned long request, const uint64_t* range) {
  switch (request) {
    case BLKFLSBUF:
      return (int)syscall(SYS_fsync, fd);
    case BLKZEROOUT:
      if ((range[0] | range[1]) % 512 != 0) {
        errno = EINVAL;
        return -1;
      }
      return (int)syscall(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range[0],
                          range[1]);
    case BLKDISCARD:
    case BLKSECDISCARD:
      errno = EOPNOTSUPP;
      return -1;
  }
  errno = ENOTTY;
  return -1;
}

/* Answers an ioctl that a regular file does not have. */
static int answer_block(int fd, unsigned long request, void* argument) {
  char disk[64];
  uint64_t value;
  if (find_disk(fd, disk, sizeof disk)) {
    for (size_t i = 0; i < sizeof block_answers / sizeof *block_answers; ++i) {
      const struct block_answer* const answer = &block_answers[i];
      if (answer->request != request) continue;
      if (!read_attribute(disk, answer->attribute, &value)) break;
      value *= answer->unit;
      if (answer->size == sizeof(short) && value > USHRT_MAX) value = USHRT_MAX;
      /* Little endian: the low bytes come first. */
      memcpy(argument, &value, answer->size);
      return 0;
    }
    return change_block(fd, request, argument);
  }
  errno = ENOTTY;
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
  const int before = errno;
  int result = function(fd, request, argument);
  if (result >= 0 || errno != ENOTTY || _IOC_TYPE(request) != BLOCK_IOCTLS) return result;
  result = answer_block(fd, request, argument);
  if (result >= 0) errno = before;
  return result;
}

/* --- The environment --- */

/* Unless this variable is set, systemd's device library requires that all of /sys is sysfs. A
 * cleared environment (su -, env -i) has lost it. */
__attribute__((constructor)) static void allow_other_sysfs(void) {
  setenv("SYSTEMD_DEVICE_VERIFY_SYSFS", "0", 0);
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

static const char* const modules[] = {
#define NVDIMMFS_MODULE(name) name,
#define NVDIMMFS_MODULE_OF_BUSES(name) name,
#include "core/system/modules.inc"
#undef NVDIMMFS_MODULE
#undef NVDIMMFS_MODULE_OF_BUSES
};
#define MODULES (sizeof modules / sizeof *modules)

/* The name if the module is one of ours, else null. */
static const char* name_of(const struct kmod_module* module) {
  NEXT(module_text_function, "kmod_module_get_name")
  const char* const name = function == NULL ? NULL : function(module);
  for (size_t i = 0; name != NULL && i < MODULES; ++i)
    if (strcmp(modules[i], name) == 0) return modules[i];
  return NULL;
}

/* The path of its file. libkmod's result lives as long as the module; this one is never freed. */
static const char* path_of(const char* name) {
  static char paths[MODULES][160];
  static _Atomic bool known[MODULES];
  size_t i = 0;
  while (modules[i] != name) ++i;
  if (!atomic_load(&known[i])) {
    struct utsname system;
    if (uname(&system) != 0) return NULL;
    /* Another thread that does so now writes the same bytes. */
    snprintf(paths[i], sizeof paths[i], "/lib/modules/%s/" NVDIMMFS_MODULE_FOLDER "/%s.ko",
             system.release, name);
    atomic_store(&known[i], true);
  }
  return paths[i];
}

EXPORT const char* kmod_module_get_path(const struct kmod_module* module) {
  const char* const name = name_of(module);
  if (name != NULL) return path_of(name);
  NEXT(module_text_function, "kmod_module_get_path")
  return function == NULL ? NULL : function(module);
}

/* Unloading the module removes the emulated buses, loading makes them anew; the other modules are
 * always loaded. Returns 0 or a negative errno. */
static int load(const char* name, bool loaded) {
  if (strcmp(name, NVDIMMFS_BUS_MODULE) != 0) return 0;
  const int before = errno;
  const int file = real_open(AT_FDCWD, NVDIMMFS_LOADED, O_WRONLY | O_CLOEXEC, 0);
  int result = file < 0 && errno != ENOENT ? -errno : 0;
  if (file >= 0 && syscall(SYS_write, file, loaded ? "1" : "0", 1) != 1) result = -errno;
  if (file >= 0) syscall(SYS_close, file);
  /* Nothing to do if it is in that state already. */
  const char* const place = NVDIMMFS_MODULES NVDIMMFS_BUS_MODULE;
  if (result == 0 && loaded)
    syscall(SYS_symlinkat, NVDIMMFS_TREE_MODULES NVDIMMFS_BUS_MODULE, AT_FDCWD, place);
  if (result == 0 && !loaded) syscall(SYS_unlinkat, AT_FDCWD, place, 0);
  errno = before;
  return result;
}

EXPORT int kmod_module_insert_module(struct kmod_module* module, unsigned flags,
                                     const char* options) {
  const char* const name = name_of(module);
  if (name != NULL) return load(name, true);
  NEXT(module_insert_function, "kmod_module_insert_module")
  return function == NULL ? -ENOSYS : function(module, flags, options);
}

EXPORT int kmod_module_probe_insert_module(struct kmod_module* module, unsigned flags,
                                           const char* options, run_install_function install,
                                           const void* data, print_action_function print) {
  const char* const name = name_of(module);
  if (name != NULL) return load(name, true);
  NEXT(module_probe_function, "kmod_module_probe_insert_module")
  return function == NULL ? -ENOSYS : function(module, flags, options, install, data, print);
}

EXPORT int kmod_module_remove_module(struct kmod_module* module, unsigned flags) {
  const char* const name = name_of(module);
  if (name != NULL) return load(name, false);
  NEXT(module_remove_function, "kmod_module_remove_module")
  return function == NULL ? -ENOSYS : function(module, flags);
}

/* --- Closed and duplicated descriptors --- */

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
