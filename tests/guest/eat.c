// SPDX-License-Identifier: Apache-2.0
// eat: allocates memory and keeps using it until it is killed.
//
//   eat MIB-TO-LEAVE
//   eat kill
//
// Repeatedly allocates all memory that /proc/meminfo reports as available, except MIB-TO-LEAVE,
// which also evicts page cache that other programs need. The kernel kills it first if it runs out
// of memory. With `kill`, allocates until the kernel has killed a process for want of memory, and
// exits with 0; the kernel's oom_score_adj of each process decides which one it kills.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kMib = 1 << 20, kMost = 1 << 16 };

static long Available(void) {
  char line[128];
  long kib = 0;
  FILE* const file = fopen("/proc/meminfo", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "MemAvailable: %ld", &kib) == 1) break;
  if (file != NULL) fclose(file);
  return kib >> 10;
}

// The processes that the kernel has killed for want of memory.
static long Kills(void) {
  char line[128];
  long kills = -1;
  FILE* const file = fopen("/proc/vmstat", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "oom_kill %ld", &kills) == 1) break;
  if (file != NULL) fclose(file);
  return kills;
}

static int UntilAKill(void) {
  const long before = Kills();
  if (before < 0) return 1;
  for (;;) {
    char* const piece =
        mmap(NULL, kMib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) return 1;
    const int nearly = Available() < 32;
    for (size_t page = 0; page < kMib; page += 4096) {
      piece[page] = 1;
      if (nearly && Kills() != before) return 0;
    }
  }
}

int main(int count, char** arguments) {
  static char* taken[kMost];
  if (count != 2) return 2;
  if (strcmp(arguments[1], "kill") == 0) return UntilAKill();
  const long leave = atol(arguments[1]);
  FILE* const score = fopen("/proc/self/oom_score_adj", "w");
  if (score != NULL) {
    fputs("1000", score);
    fclose(score);
  }
  for (size_t used = 0;;) {
    while (used < kMost && Available() > leave) {
      char* const piece =
          mmap(NULL, kMib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (piece == MAP_FAILED) break;
      memset(piece, 1, kMib);
      taken[used++] = piece;
    }
    // Touch the pages, so that they stay resident.
    for (size_t i = 0; i < used; i++)
      for (size_t page = 0; page < kMib; page += 4096) taken[i][page]++;
    usleep(10000);
  }
}
