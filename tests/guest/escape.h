// SPDX-License-Identifier: Apache-2.0
// How the programs that run in a guest and here print the bytes of a file, on one line.
#ifndef NVDIMMFS_TESTS_GUEST_ESCAPE_H_
#define NVDIMMFS_TESTS_GUEST_ESCAPE_H_

#include <stddef.h>
#include <stdio.h>

// To stdout: printable ASCII as it is, but \\ for a backslash; \n; \xHH for everything else.
static inline void PrintEscaped(const char* bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const unsigned char c = (unsigned char)bytes[i];
    if (c == '\n')
      fputs("\\n", stdout);
    else if (c == '\\')
      fputs("\\\\", stdout);
    else if (c < 32 || c > 126)
      printf("\\x%02x", c);
    else
      putchar(c);
  }
}

#endif  // NVDIMMFS_TESTS_GUEST_ESCAPE_H_
