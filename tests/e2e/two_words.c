// SPDX-License-Identifier: Apache-2.0
// A program with two words to keep in order: `two_words ordered|broken|check FILE`.
//
// It stores records 1 to 8 in turn: content at the 4096-byte block n, and n in block 0. The rule is
// that a record that block 0 counts has its content. `ordered` makes the content durable first;
// `broken` makes both durable with one fsync. `check` says whether the rule holds.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { kBlock = 4096, kRecords = 8 };

static int Fail(const char* what) {
  perror(what);
  return 2;
}

static int Put(int file, uint64_t block, uint64_t value) {
  return pwrite(file, &value, sizeof value, (off_t)(block * kBlock)) != sizeof value;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int file = open(argv[2], O_RDWR);
  if (file < 0) return Fail(argv[2]);
  if (strcmp(argv[1], "check") == 0) {
    uint64_t count = 0, content = 0;
    if (pread(file, &count, sizeof count, 0) != sizeof count) return Fail("read");
    for (uint64_t n = 1; n <= count; ++n) {
      if (pread(file, &content, sizeof content, (off_t)(n * kBlock)) != sizeof content)
        return Fail("read");
      if (content == 1000 + n) continue;
      printf("record %llu of %llu has no content\n", (unsigned long long)n,
             (unsigned long long)count);
      return 1;
    }
    return 0;
  }
  const int ordered = strcmp(argv[1], "ordered") == 0;
  for (uint64_t n = 1; n <= kRecords; ++n) {
    if (Put(file, n, 1000 + n) || (ordered && fsync(file) != 0)) return Fail("write");
    if (Put(file, 0, n) || fsync(file) != 0) return Fail("write");
  }
  return 0;
}
