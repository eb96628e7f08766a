// SPDX-License-Identifier: Apache-2.0
// acked: writes units that say which write they are of, and keeps a record of what was
// acknowledged; later checks that none of that is lost.
//
//   acked write NODE AT LEDGER FIRST COUNT HOW SEED [WRITES]
//   acked check NODE AT LEDGER FIRST COUNT ATOM
//
// Both use COUNT units of NODE, of 4096 bytes each, from unit AT on. Each 16 bytes of a unit are
// its number and a generation, which grows with each write; a unit that was never written is zeros.
// LEDGER, a file or block device, has a record of 512 bytes for each unit, from record FIRST on:
// two little-endian numbers, the generation that was acknowledged last and the newest that may
// exist besides the one in flight.
//
// write writes runs of up to eight units at random places until NODE fails, SIGTERM or WRITES runs,
// and prints how many runs were acknowledged. It exits with 0 in all three cases. HOW says what
// acknowledges a run:
//   plain   write(2)
//   direct  write(2) with O_DIRECT
//   dsync   write(2) with O_DSYNC
//   fsync   write(2), then fsync(2)
//   msync   stores into a shared mapping, then msync(2)
//
// check exits with 1 and prints the units that are wrong: older than what was acknowledged, of a
// write that never was, of another place, or with more than one generation in an aligned piece of
// ATOM bytes (8: a unit may be torn anywhere). What it sees counts as acknowledged from then on.
// NODE may be a character device that can only be mapped.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  kUnit = 4096,
  kWords = kUnit / 8,
  kRecord = 512,
  kRun = 8,
  kMost = 4096,
  kHuge = 2 << 20,  // a device-dax node is mapped in pieces of this size
  kShown = 10,
};

static union {
  struct {
    uint64_t acknowledged;
    uint64_t newest;
  };
  char bytes[kRecord];
} ledger[kMost] __attribute__((aligned(kUnit)));
static uint64_t base;  // AT
static uint64_t units[kRun * kWords] __attribute__((aligned(kUnit)));
static uint64_t runs;
static volatile sig_atomic_t ended;

static void Say(void) {
  char text[64];
  const int length = snprintf(text, sizeof text, "%" PRIu64 " acknowledged\n", runs);
  if (write(STDOUT_FILENO, text, (size_t)length) != length) _exit(1);
}

// NODE failed under a mapping.
static void Gone(int signal) {
  (void)signal;
  Say();
  _exit(0);
}

static void End(int signal) {
  (void)signal;
  ended = 1;
}

static int Fail(const char* what, const char* name) {
  fprintf(stderr, "acked: %s %s: %s\n", what, name, strerror(errno));
  return 1;
}

// Whether an access failed because what serves the node is dead, and not because of the access.
static bool IsGone(void) {
  return errno == ENOTCONN || errno == ECONNABORTED || errno == EIO || errno == ENODEV ||
         errno == ENXIO || errno == EROFS;
}

static int OpenLedger(const char* path) {
  struct stat stat;
  const int file = open(path, O_RDWR);
  if (file < 0 || fstat(file, &stat) != 0 || !S_ISBLK(stat.st_mode)) return file;
  // A disk: past this machine's page cache.
  close(file);
  return open(path, O_RDWR | O_DIRECT);
}

// SplitMix64.
static uint64_t Random(uint64_t* state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static int Write(const char* node, int record_file, uint64_t first, uint64_t count, const char* how,
                 uint64_t seed, uint64_t most) {
  const bool mapping = strcmp(how, "msync") == 0;
  const bool sync = strcmp(how, "fsync") == 0;
  const int flags = strcmp(how, "direct") == 0 ? O_DIRECT : strcmp(how, "dsync") == 0 ? O_DSYNC : 0;
  const int file = open(node, O_RDWR | flags);
  if (file < 0 && !IsGone()) return Fail("open", node);
  if (file < 0) {
    Say();
    return 0;
  }
  char* const map = mapping ? mmap(NULL, count * kUnit, PROT_READ | PROT_WRITE, MAP_SHARED, file,
                                   (off_t)(base * kUnit))
                            : NULL;
  if (map == MAP_FAILED) return Fail("map", node);
  while (!ended && runs < most) {
    const uint64_t at = Random(&seed) % count;
    uint64_t length = 1 + Random(&seed) % kRun;
    if (length > count - at) length = count - at;
    for (uint64_t i = 0; i < length; i++)
      for (uint64_t word = 0; word < kWords; word += 2) {
        units[i * kWords + word] = base + at + i;
        units[i * kWords + word + 1] = ledger[at + i].newest + 1;
      }
    const size_t bytes = length * kUnit;
    const off_t offset = (off_t)((base + at) * kUnit);
    if (mapping) {
      memcpy(map + at * kUnit, units, bytes);
      if (msync(map + at * kUnit, bytes, MS_SYNC) != 0) break;
    } else {
      const ssize_t written = pwrite(file, units, bytes, offset);
      if (written >= 0 && (size_t)written != bytes) errno = EIO;
      if (written != (ssize_t)bytes || (sync && fsync(file) != 0)) break;
    }
    for (uint64_t i = at; i < at + length; i++) ledger[i].acknowledged = ++ledger[i].newest;
    const size_t record = length * kRecord;
    if (pwrite(record_file, &ledger[at], record, (off_t)((first + at) * kRecord)) !=
        (ssize_t)record)
      return Fail("record", "a write");
    runs++;
  }
  if (!ended && runs < most && !IsGone()) return Fail("write", node);
  Say();
  return 0;
}

// Prints what is wrong with a unit, and updates its record; returns whether something is.
static bool IsWrong(const char* node, uint64_t index, const uint64_t* words, uint64_t atom) {
  const uint64_t number = base + index;
  const uint64_t least = ledger[index].acknowledged;
  const uint64_t most = ledger[index].newest + 1;
  uint64_t oldest = UINT64_MAX;
  uint64_t newest = 0;
  const char* complaint = NULL;
  for (uint64_t word = 0; word < kWords; word += 2) {
    const uint64_t generation = words[word + 1];
    if (generation < oldest) oldest = generation;
    if (generation > newest) newest = generation;
    if (words[word] != number && (words[word] != 0 || least != 0))
      complaint = "it is of another unit";
    if (word * 8 % atom != 0 && atom > 8 && generation != words[word - 1]) complaint = "it is torn";
  }
  if (oldest < least) complaint = "an acknowledged write is lost";
  if (newest > most) complaint = "it is of a write that never was";
  if (complaint != NULL) {
    printf("%s: unit %" PRIu64 ": %s: generations %" PRIu64 " to %" PRIu64 ", %" PRIu64
           " acknowledged, at most %" PRIu64 " written\n",
           node, number, complaint, oldest, newest, least, most);
    return true;
  }
  ledger[index].acknowledged = oldest;
  if (newest > ledger[index].newest) ledger[index].newest = newest;
  return false;
}

static int Check(const char* node, int record_file, uint64_t first, uint64_t count, uint64_t atom) {
  struct stat stat;
  const int file = open(node, O_RDONLY);
  if (file < 0 || fstat(file, &stat) != 0) return Fail("open", node);
  const char* map = NULL;
  if (S_ISCHR(stat.st_mode)) {
    const size_t size = ((base + count) * kUnit + kHuge - 1) / kHuge * kHuge;
    map = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) return Fail("map", node);
  }
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < count && wrong < kShown; i++) {
    if (map != NULL) memcpy(units, map + (base + i) * kUnit, kUnit);
    errno = ENODATA;
    if (map == NULL && pread(file, units, kUnit, (off_t)((base + i) * kUnit)) != kUnit)
      return Fail("read", node);
    wrong += IsWrong(node, i, units, atom);
  }
  if (wrong != 0) return 1;
  const size_t bytes = count * kRecord;
  if (pwrite(record_file, ledger, bytes, (off_t)(first * kRecord)) != (ssize_t)bytes)
    return Fail("record", "what was seen");
  printf("%s: %" PRIu64 " units, no acknowledged write is lost\n", node, count);
  return 0;
}

int main(int count, char** words) {
  const bool writing = count > 1 && strcmp(words[1], "write") == 0;
  if (!(writing ? count == 9 || count == 10 : count == 8)) {
    fprintf(stderr,
            "usage: acked write NODE AT LEDGER FIRST COUNT HOW SEED [WRITES]\n"
            "       acked check NODE AT LEDGER FIRST COUNT ATOM\n");
    return 2;
  }
  const char* const node = words[2];
  base = strtoull(words[3], NULL, 0);
  const uint64_t first = strtoull(words[5], NULL, 0);
  const uint64_t number = strtoull(words[6], NULL, 0);
  if (number == 0 || number > kMost) return 2;
  const int record_file = OpenLedger(words[4]);
  const ssize_t bytes = (ssize_t)(number * kRecord);
  errno = ENODATA;
  if (record_file < 0 || pread(record_file, ledger, bytes, (off_t)(first * kRecord)) != bytes)
    return Fail("read", words[4]);
  if (!writing) return Check(node, record_file, first, number, strtoull(words[7], NULL, 0));
  signal(SIGBUS, Gone);
  signal(SIGTERM, End);
  return Write(node, record_file, first, number, words[7], strtoull(words[8], NULL, 0),
               count == 10 ? strtoull(words[9], NULL, 0) : UINT64_MAX);
}
