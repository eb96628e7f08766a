// SPDX-License-Identifier: Apache-2.0
// pat: fills a device with a pattern that can be checked later, anywhere.
//
//   pat write|check FILE SEED FIRST COUNT
//
// FIRST and COUNT are in units of 512 bytes. Each unit is 64 little-endian words of 8 bytes; word w
// of unit u is ((SEED << 32) + u) ^ (w << 56), so a unit that is stale, misplaced or torn never
// passes. Prints one line and exits 0 if every unit was written or is as expected, 1 otherwise.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kUnit = 512, kWords = kUnit / 8, kBatch = 1024 };

static uint64_t expected[kBatch * kWords];
static uint64_t found[kBatch * kWords];

static void Fill(uint64_t seed, uint64_t first, uint64_t count) {
  for (uint64_t i = 0; i < count; i++)
    for (uint64_t w = 0; w < kWords; w++)
      expected[i * kWords + w] = ((seed << 32) + first + i) ^ (w << 56);
}

static int Fail(const char* verb, const char* file) {
  fprintf(stderr, "pat: %s %s: %s\n", verb, file, strerrorname_np(errno));
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: pat write|check FILE SEED FIRST COUNT\n");
    return 2;
  }
  const char* file = argv[2];
  const int writing = strcmp(argv[1], "write") == 0;
  const uint64_t seed = strtoull(argv[3], NULL, 0);
  const uint64_t first = strtoull(argv[4], NULL, 0);
  const uint64_t end = first + strtoull(argv[5], NULL, 0);
  const int fd = open(file, writing ? O_RDWR : O_RDONLY);
  if (fd < 0) return Fail("open", file);

  uint64_t bad = 0;
  for (uint64_t unit = first; unit < end; unit += kBatch) {
    const uint64_t count = end - unit < kBatch ? end - unit : kBatch;
    const ssize_t bytes = (ssize_t)(count * kUnit);
    Fill(seed, unit, count);
    errno = ENODATA;  // the errno for a short transfer
    if (writing) {
      if (pwrite(fd, expected, bytes, unit * kUnit) != bytes) return Fail("write", file);
      continue;
    }
    if (pread(fd, found, bytes, unit * kUnit) != bytes) return Fail("read", file);
    for (uint64_t i = 0; i < count; i++)
      bad += memcmp(expected + i * kWords, found + i * kWords, kUnit) != 0;
  }
  if (writing && fsync(fd) != 0) return Fail("fsync", file);
  if (close(fd) != 0) return Fail("close", file);
  printf("%s %s seed=%s first=%s count=%s bad=%" PRIu64 "\n", argv[1], file, argv[3], argv[4],
         argv[5], bad);
  return bad != 0;
}
