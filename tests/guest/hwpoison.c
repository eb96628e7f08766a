// SPDX-License-Identifier: Apache-2.0
// hwpoison: makes the kernel treat a page of memory under a file as failed, as a machine check
// would.
//
//   hwpoison FILE OFFSET
//
// OFFSET in bytes, anywhere in the page. Only in a guest: the page stays lost until it reboots. A
// process that touches the page afterwards, through any mapping, gets SIGBUS (BUS_MCEERR_AR).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    fputs("usage: hwpoison FILE OFFSET\n", stderr);
    return 2;
  }
  const long page = sysconf(_SC_PAGESIZE);
  const off_t offset = strtoll(argv[2], NULL, 0) / page * page;
  const int file = open(argv[1], O_RDWR);
  char* at = file < 0 ? MAP_FAILED
                      : mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED, file, offset);
  if (at == MAP_FAILED) {
    fprintf(stderr, "hwpoison: map %s: %s\n", argv[1], strerror(errno));
    return 1;
  }
  *(volatile char*)at;  // faults the page in
  if (madvise(at, (size_t)page, MADV_HWPOISON) != 0) {
    fprintf(stderr, "hwpoison: %s: %s\n", argv[1], strerror(errno));
    return 1;
  }
  return 0;
}
