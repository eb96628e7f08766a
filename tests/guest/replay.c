// SPDX-License-Identifier: Apache-2.0
// replay: executes attribute reads and writes from a file and prints the result of each.
//
//   replay ROOT SCRIPT        ROOT is a real /sys, or a mount shaped like one
//
// One command per line. PATH is below ROOT/bus/nd. VALUE extends to the end of the line, with the
// escapes \n \\ and \xHH, and is written with a single write(2) to a file opened without O_TRUNC.
//
//   R PATH          -> R PATH = value            or !ERRNO, or !open:ERRNO
//   W PATH VALUE    -> W PATH VALUE = count      likewise
//   L PATH          -> L PATH = sorted names in a directory, without `x`, `power` and `module`
//                      (trees.py)
//   # anything      copied
//   B DIMM OFFSET VALUE
//                   -> B DIMM OFFSET = count   bytes of a DIMM's label area, while it is idle: with
//                      the command of /dev/DIMM under /sys, else into ROOT/dev/DIMM
//
//   S REGION        -> S REGION = free     its namespace_seed has no bytes; "used" if it still has
//                      bytes. (After a region is enabled, a kernel sometimes leaves the seed on a
//                      used namespace until that is bound again.)
//
// `{DEVICE/ATTRIBUTE}` in PATH or VALUE stands for the current value of that attribute
// ({region0/btt_seed}), and is printed as written, because the kernel assigns names in no fixed
// order. After each write it waits for the bus (wait_probe), because devices appear and disappear
// asynchronously.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ndctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/guest/escape.h"

enum { kLineSize = 16384, kValueSize = 8192 };

static const char* root;

// Decodes the escapes of `text` in place; returns the count of bytes.
static size_t Unescape(char* text) {
  char* out = text;
  for (const char* in = text; *in; in++) {
    unsigned byte;
    if (in[0] != '\\') {
      *out++ = *in;
    } else if (in[1] == 'n') {
      *out++ = '\n', in++;
    } else if (in[1] == 'x' && sscanf(in + 2, "%2x", &byte) == 1) {
      *out++ = (char)byte, in += 3;
    } else {
      *out++ = '\\', in += in[1] == '\\';
    }
  }
  return (size_t)(out - text);
}

// The value of the attribute `name` ("region0/btt_seed") without its newline; "none" if it is
// empty.
static void ReadName(const char* name, char* out, size_t size) {
  char path[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s/bus/nd/devices/%s", root, name);
  const int fd = open(path, O_RDONLY);
  const ssize_t count = fd < 0 ? 0 : read(fd, out, size - 1);
  if (fd >= 0) close(fd);
  out[count < 0 ? 0 : count] = 0;
  out[strcspn(out, "\n")] = 0;
  if (!*out) snprintf(out, size, "none");
}

static void ExpandNames(const char* text, char* out, size_t size) {
  size_t used = 0;
  while (*text && used + 1 < size) {
    const char* close_brace = *text == '{' ? strchr(text, '}') : NULL;
    if (!close_brace) {
      out[used++] = *text++;
      continue;
    }
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%.*s", (int)(close_brace - text - 1), text + 1);
    ReadName(name, out + used, size - used);
    used += strlen(out + used);
    text = close_brace + 1;
  }
  out[used] = 0;
}

static void WaitForBus(void) {
  char path[PATH_MAX], byte;
  snprintf(path, sizeof path, "%s/bus/nd/devices/ndbus0/wait_probe", root);
  const int fd = open(path, O_RDONLY);
  if (fd < 0) return;
  if (read(fd, &byte, 1) < 0) perror(path);
  close(fd);
}

static void WriteName(const char* place, const char* name) {
  char path[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s/bus/nd/drivers/nd_pmem/%s", root, place);
  const int fd = open(path, O_WRONLY);
  if (fd >= 0 && write(fd, name, strlen(name)) < 0) errno = 0;  // it may be unbound already
  if (fd >= 0) close(fd);
  WaitForBus();
}

static void SettleSeed(const char* region) {
  char place[PATH_MAX + 32], seed[NAME_MAX], size[64];
  for (int tries = 0;; tries++) {
    snprintf(place, sizeof place, "%s/namespace_seed", region);
    ReadName(place, seed, sizeof seed);
    snprintf(place, sizeof place, "%s/size", seed);
    ReadName(place, size, sizeof size);
    if (strcmp(size, "0") == 0 || tries == 3) break;
    WriteName("unbind", seed);
    WriteName("bind", seed);
  }
  puts(strcmp(size, "0") == 0 ? "free" : "used");
}

static void Read(const char* path) {
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

static void Write(const char* path, char* value) {
  const size_t size = Unescape(value);
  const int fd = open(path, O_WRONLY);
  if (fd < 0) {
    printf("!open:%s\n", strerrorname_np(errno));
    return;
  }
  const ssize_t count = write(fd, value, size);
  if (count < 0)
    printf("!%s\n", strerrorname_np(errno));
  else
    printf("%zd\n", count);
  close(fd);
  WaitForBus();
}

static ssize_t SetLabels(int fd, off_t offset, const char* bytes, size_t size) {
  struct nd_cmd_set_config_hdr* command = calloc(1, sizeof *command + size + sizeof(__u32));
  command->in_offset = (__u32)offset;
  command->in_length = (__u32)size;
  memcpy(command->in_buf, bytes, size);
  const int result = ioctl(fd, ND_IOCTL_SET_CONFIG_DATA, command);
  __u32 status;
  memcpy(&status, command->in_buf + size, sizeof status);
  free(command);
  if (result == 0 && status == 0) return (ssize_t)size;
  if (result >= 0) errno = EIO;
  return -1;
}

static void WriteLabels(const char* dimm, char* text) {
  char* value;
  const off_t offset = strtoll(text, &value, 0);
  value += *value == ' ';
  const size_t size = Unescape(value);
  const int is_kernel = strcmp(root, "/sys") == 0;
  char path[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s/dev/%s", is_kernel ? "" : root, dimm);
  const int fd = open(path, O_RDWR);
  if (fd < 0) {
    printf("!open:%s\n", strerrorname_np(errno));
    return;
  }
  const ssize_t count =
      is_kernel ? SetLabels(fd, offset, value, size) : pwrite(fd, value, size, offset);
  if (count < 0)
    printf("!%s\n", strerrorname_np(errno));
  else
    printf("%zd\n", count);
  close(fd);
}

static int ByName(const struct dirent** a, const struct dirent** b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void List(const char* path) {
  struct dirent** entries;
  const int count = scandir(path, &entries, NULL, ByName);
  if (count < 0) {
    printf("!open:%s\n", strerrorname_np(errno));
    return;
  }
  for (int i = 0; i < count; i++) {
    const char* name = entries[i]->d_name;
    if (name[0] != '.' && strcmp(name, "x") && strcmp(name, "power") && strcmp(name, "module"))
      printf("%s ", name);
    free(entries[i]);
  }
  free(entries);
  putchar('\n');
}

static void RunLine(const char* line) {
  char word[PATH_MAX], target[PATH_MAX], path[2 * PATH_MAX], value[kLineSize];
  int rest = 0;
  if (line[0] == '#' || !line[0] || sscanf(line + 1, " %4095s%n", word, &rest) != 1) {
    puts(line);
    return;
  }
  const char* text = line + 1 + rest;
  ExpandNames(word, target, sizeof target);
  snprintf(path, sizeof path, "%s/bus/nd/%s", root, target);
  ExpandNames(*text == ' ' ? text + 1 : text, value, sizeof value);
  if (line[0] == 'B') {
    printf("B %s %ld = ", word, strtol(value, NULL, 0));
    WriteLabels(word, value);
    return;
  }
  printf("%s = ", line);
  switch (line[0]) {
    case 'R':
      Read(path);
      break;
    case 'W':
      Write(path, value);
      break;
    case 'L':
      List(path);
      break;
    case 'S':
      SettleSeed(word);
      break;
    default:
      puts("?");
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: replay ROOT SCRIPT\n");
    return 2;
  }
  root = argv[1];
  FILE* script = fopen(argv[2], "r");
  if (!script) {
    perror(argv[2]);
    return 1;
  }
  static char line[kLineSize];
  while (fgets(line, sizeof line, script)) {
    line[strcspn(line, "\n")] = 0;
    RunLine(line);
    fflush(stdout);
  }
  return 0;
}
