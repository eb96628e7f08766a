// SPDX-License-Identifier: Apache-2.0
// dumptree: prints the nd tree under ROOT (a real /sys, or a mount shaped like one), sorted by
// name.
//
//   dumptree [ROOT]
//
//   path<TAB>l<TAB>target              symbolic link: the last component of its target
//   path<TAB>d<TAB>                    directory
//   path<TAB>octal mode<TAB>value      attribute, bytes escaped; !ERRNO if the read fails;
//                                      !open:ERRNO if the open fails; - if it has no read
//                                      permission
//
// Each device of bus/nd/devices is walked from its own directory, without following links and
// without entering the directories of other devices. `power`, `firmware_node` and `x` are skipped:
// the first two belong to the driver core, and nvdimmfs adds the last to the kernel's tree.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/guest/escape.h"

enum { kMaxDepth = 6, kValueSize = 8192 };

static int ByName(const struct dirent** a, const struct dirent** b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int NotDots(const struct dirent* entry) {
  return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int IsLeftOut(const char* name) {
  return !strcmp(name, "power") || !strcmp(name, "firmware_node") || !strcmp(name, "x");
}

static int IsDevice(const char* name) {
  static const char* const kKinds[] = {"ndbus", "nmem", "region", "namespace", "btt", "pfn", "dax"};
  for (size_t i = 0; i < sizeof kKinds / sizeof *kKinds; i++) {
    const size_t length = strlen(kKinds[i]);
    if (!strncmp(name, kKinds[i], length) && name[length] >= '0' && name[length] <= '9') return 1;
  }
  return 0;
}

static void PrintLink(const char* path, const char* name) {
  char target[PATH_MAX];
  const ssize_t length = readlink(path, target, sizeof target - 1);
  target[length < 0 ? 0 : length] = 0;
  const char* slash = strrchr(target, '/');
  printf("%s\tl\t%s\n", name, slash ? slash + 1 : target);
}

static void PrintAttribute(const char* path, const char* name, mode_t mode) {
  printf("%s\t%o\t", name, mode & 07777);
  if (!(mode & 0444)) {
    puts("-");
    return;
  }
  const int fd = open(path, O_RDONLY);
  if (fd < 0) {
    printf("!open:%s\n", strerrorname_np(errno));
    return;
  }
  char value[kValueSize];
  const ssize_t count = read(fd, value, sizeof value);
  if (count < 0)
    printf("!%s", strerrorname_np(errno));
  else
    PrintEscaped(value, (size_t)count);
  putchar('\n');
  close(fd);
}

static void Walk(const char* directory, const char* name, int depth);

static void PrintEntry(const char* directory, const char* parent, const char* entry, int depth) {
  char path[PATH_MAX], name[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", directory, entry);
  snprintf(name, sizeof name, "%s/%s", parent, entry);
  struct stat status;
  if (lstat(path, &status) != 0) {
    printf("%s\t?\t!%s\n", name, strerrorname_np(errno));
  } else if (S_ISLNK(status.st_mode)) {
    PrintLink(path, name);
  } else if (S_ISDIR(status.st_mode)) {
    if (IsLeftOut(entry)) return;
    printf("%s\td\t\n", name);
    // A daxR.i instance below its claim device daxR.j is not on the nd bus, so it is walked here.
    if (!(IsDevice(entry) && !strstr(parent, "dax")) && depth < kMaxDepth)
      Walk(path, name, depth + 1);
  } else {
    PrintAttribute(path, name, status.st_mode);
  }
}

static void Walk(const char* directory, const char* name, int depth) {
  struct dirent** entries;
  const int count = scandir(directory, &entries, NotDots, ByName);
  for (int i = 0; i < count; i++) {
    PrintEntry(directory, name, entries[i]->d_name, depth);
    free(entries[i]);
  }
  if (count >= 0) free(entries);
}

int main(int argc, char** argv) {
  const char* root = argc > 1 ? argv[1] : "/sys";
  char devices[PATH_MAX];
  snprintf(devices, sizeof devices, "%s/bus/nd/devices", root);
  struct dirent** entries;
  const int count = scandir(devices, &entries, NotDots, ByName);
  if (count < 0) {
    perror(devices);
    return 1;
  }
  for (int i = 0; i < count; i++) {
    char link[PATH_MAX + NAME_MAX + 2];
    snprintf(link, sizeof link, "%s/%s", devices, entries[i]->d_name);
    char* device = realpath(link, NULL);
    if (device)
      Walk(device, entries[i]->d_name, 0);
    else
      printf("%s\t?\t!realpath:%s\n", entries[i]->d_name, strerrorname_np(errno));
    free(device);
    free(entries[i]);
  }
  free(entries);
  char drivers[PATH_MAX];
  snprintf(drivers, sizeof drivers, "%s/bus/nd/drivers", root);
  Walk(drivers, "drivers", 3);
  return 0;
}
