// SPDX-License-Identifier: Apache-2.0
// scatter: writes a range of a device block by block, in a scrambled order, each block PASSES
// times.
//
//   scatter FILE BLOCK SEED FIRST COUNT PASSES
//
// BLOCK is in bytes, FIRST and COUNT in blocks. Every write is one O_DIRECT block. All passes but
// the last write a pattern that must not survive (SEED + 1000); the last writes the same bytes as
// `pat write FILE SEED`.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kUnit = 512, kWords = kUnit / 8, kMaxBlock = 4096 };

static uint64_t block_words[kMaxBlock / 8] __attribute__((aligned(4096)));

static void Fill(uint64_t seed, uint64_t first_unit, uint64_t units) {
  for (uint64_t i = 0; i < units; i++)
    for (uint64_t w = 0; w < kWords; w++)
      block_words[i * kWords + w] = ((seed << 32) + first_unit + i) ^ (w << 56);
}

static uint64_t CommonDivisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    const uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// A step that visits every one of `count` places.
static uint64_t StepFor(uint64_t count, uint64_t wanted) {
  while (CommonDivisor(wanted, count) != 1) wanted++;
  return wanted;
}

int main(int argc, char** argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: scatter FILE BLOCK SEED FIRST COUNT PASSES\n");
    return 2;
  }
  const uint64_t block = strtoull(argv[2], NULL, 0);
  const uint64_t seed = strtoull(argv[3], NULL, 0);
  const uint64_t first = strtoull(argv[4], NULL, 0);
  const uint64_t count = strtoull(argv[5], NULL, 0);
  const uint64_t passes = strtoull(argv[6], NULL, 0);
  if (block == 0 || block > kMaxBlock || block % kUnit != 0 || count == 0) return 2;
  const int fd = open(argv[1], O_RDWR | O_DIRECT);
  if (fd < 0) {
    perror(argv[1]);
    return 1;
  }
  uint64_t writes = 0;
  for (uint64_t pass = 0; pass < passes; pass++) {
    const uint64_t step = StepFor(count, count / 3 * 2 + 7919 + pass);
    uint64_t at = 0;
    for (uint64_t i = 0; i < count; i++, writes++, at = (at + step) % count) {
      const uint64_t offset = (first + at) * block;
      Fill(pass + 1 < passes ? seed + 1000 : seed, offset / kUnit, block / kUnit);
      errno = ENODATA;
      if (pwrite(fd, block_words, block, (off_t)offset) != (ssize_t)block) {
        perror("write");
        return 1;
      }
    }
  }
  if (close(fd) != 0) return 1;
  printf("scatter %s writes=%" PRIu64 "\n", argv[1], writes);
  return 0;
}
