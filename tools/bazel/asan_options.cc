// SPDX-License-Identifier: Apache-2.0
// What AddressSanitizer starts with, in each program that uses Abseil. The headers of Abseil poison
// the unused places of a table; Debian's library, compiled without the sanitizer, uses them without
// unpoisoning. Linked into --config=asan builds only.

extern "C" const char* __asan_default_options();  // declared nowhere: the sanitizer calls it

extern "C" const char* __asan_default_options() { return "allow_user_poisoning=0"; }

extern "C" const char* __lsan_default_suppressions();

// libpmem2 1.12 forgets its data mover (144 bytes) when a map of pmem2_map_from_existing is
// deleted.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:membuf_new\nleak:pmem2_malloc\n";
}
