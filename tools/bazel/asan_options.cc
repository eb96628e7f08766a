// SPDX-License-Identifier: Apache-2.0
// What AddressSanitizer starts with, in each program that uses Abseil. The headers of Abseil poison
// the unused places of a table; Debian's library, compiled without the sanitizer, uses them without
// unpoisoning. Linked into --config=asan builds only.

extern "C" const char* __asan_default_options();  // declared nowhere: the sanitizer calls it

extern "C" const char* __asan_default_options() { return "allow_user_poisoning=0"; }
