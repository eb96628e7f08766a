// SPDX-License-Identifier: Apache-2.0
// Copies from a mapping when the next source is already known.
//
// A CPU prefetches the lines of one page, but stalls at the start of the next: for its page table
// entry, then for its first lines. If pages are scattered, as a BTT's blocks are, these stalls are
// most of the cost of a copy. So while one page is copied, the data two pages further on is
// prefetched into the L2 cache, a little at a time: exceeding the CPU's limit of outstanding
// requests would stall the copy.
//
// Prefetches are only hints: an address may be outside any mapping, and nothing is read. Thread
// rules: any thread.
#ifndef NVDIMMFS_CORE_MEDIA_COPY_AHEAD_H_
#define NVDIMMFS_CORE_MEDIA_COPY_AHEAD_H_

#include <algorithm>
#include <cstddef>

namespace nvdimmfs::core {

// Bytes between what is copied and what is prefetched. Measured, like the other distances:
// tests/bench/README.md.
inline constexpr size_t kFetchAhead = 8 * 1024;

// Calls `copy` repeatedly to copy from `from` to `to`, while prefetching as many bytes at `next`.
// Returns false as soon as `copy` does.
template <typename Copy>
bool CopyAndFetch(const Copy& copy, std::byte* to, const std::byte* from, size_t length,
                  const std::byte* next) {
  constexpr size_t kStep = 2048, kLine = 64;
  constexpr int kSecondCache = 2;  // the locality argument for L2
  while (length > 0) {
    const size_t step = std::min(length, kStep);
    for (size_t line = 0; line < step; line += kLine)
      __builtin_prefetch(next + line, 0, kSecondCache);
    if (!copy(to, from, step)) return false;
    to += step;
    from += step;
    next += step;
    length -= step;
  }
  return true;
}

// The same for one long contiguous range. Here it also helps to prefetch one line of each page even
// earlier, for its page table entry. (Scattered blocks are slower with that.)
template <typename Copy>
bool CopyLong(const Copy& copy, std::byte* to, const std::byte* from, size_t length) {
  constexpr size_t kPage = 4096, kTouchAhead = 2 * kFetchAhead;
  for (; length > kTouchAhead; to += kPage, from += kPage, length -= kPage) {
    __builtin_prefetch(from + kTouchAhead);
    if (!CopyAndFetch(copy, to, from, kPage, from + kFetchAhead)) return false;
  }
  return copy(to, from, length);
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_COPY_AHEAD_H_
