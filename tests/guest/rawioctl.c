// SPDX-License-Identifier: Apache-2.0
// rawioctl: issues an ioctl on /dev/nmemN or /dev/ndctlN, without a preloaded library.
//
//   rawioctl FILE r|w NR SIZE [OFFSET=VALUE...]
//
// Opens FILE (to read, or to write too) and issues command NR with a buffer of SIZE zero bytes in
// which the little-endian words of 4 bytes at each OFFSET have a VALUE. The buffer ends at an
// unmapped page, so an access past its end gives EFAULT. SIZE "null" passes a null pointer. Prints
// the result and the buffer's words that are not zero, "R 0=1 4=200", in hexadecimal; or the name
// of the errno.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kPage = 4096, kShown = 64 };

static int Fail(const char* what) {
  printf("%s: %s\n", what, strerrorname_np(errno));
  return 1;
}

// `size` bytes followed by an unmapped page.
static char* MakeBuffer(size_t size) {
  const size_t mapped = (size + kPage - 1) / kPage * kPage;
  char* const start =
      mmap(NULL, mapped + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return NULL;
  munmap(start + mapped, kPage);
  return start + mapped - size;
}

int main(int count, char** arguments) {
  if (count < 5) return 2;
  const size_t size = strcmp(arguments[4], "null") == 0 ? 0 : strtoull(arguments[4], NULL, 0);
  char* const buffer = strcmp(arguments[4], "null") == 0 ? NULL : MakeBuffer(size);
  for (int i = 5; i < count; i++) {
    size_t offset;
    uint32_t value;
    if (sscanf(arguments[i], "%zi=%" SCNi32, &offset, (int32_t*)&value) != 2) return 2;
    if (offset + sizeof value > size) return 2;
    memcpy(buffer + offset, &value, sizeof value);
  }
  const int file = open(arguments[1], *arguments[2] == 'w' ? O_RDWR : O_RDONLY);
  if (file < 0) return Fail("open");
  const unsigned long number = _IOC(_IOC_READ | _IOC_WRITE, 'N', strtoul(arguments[3], NULL, 0), 0);
  const int result = ioctl(file, number, buffer);
  if (result < 0) return Fail("ioctl");
  printf("%d", result);
  for (size_t offset = 0, shown = 0; offset + 4 <= size && shown < kShown; offset += 4) {
    uint32_t value;
    memcpy(&value, buffer + offset, sizeof value);
    if (value != 0) shown += printf(" %zx=%" PRIx32, offset, value) > 0;
  }
  printf("\n");
  return 0;
}
