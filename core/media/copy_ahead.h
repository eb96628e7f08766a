// SPDX-License-Identifier: Apache-2.0
// Copies from a mapping of which it is known what will be copied next.
//
// A processor foresees the lines of one page, and at the next one waits: for its page table, then
// for its first lines. Where pages lie anywhere, as a BTT's blocks do, that is most of a copy. So
// what comes two pages later is fetched into the second cache while this is copied, some of it at a
// time: more at once than the processor keeps on its way would hold up the copy.
//
// Hints alone: an address may lie outside of any mapping, and nothing is read.
// Thread rules: any thread.
#ifndef NVDIMMFS_CORE_MEDIA_COPY_AHEAD_H_
#define NVDIMMFS_CORE_MEDIA_COPY_AHEAD_H_

#include <algorithm>
#include <cstddef>

namespace nvdimmfs::core {

// Bytes from what is copied to what is fetched meanwhile. Measured, as the other distances are:
// tests/bench/README.md.
inline constexpr size_t kFetchAhead = 8 * 1024;

// `copy` to `to` from `from`, as often as needed, while as many bytes at `next` are fetched; false
// as soon as it is.
template <typename Copy>
bool CopyAndFetch(const Copy& copy, std::byte* to, const std::byte* from, size_t length,
                  const std::byte* next) {
  constexpr size_t kStep = 2048, kLine = 64;
  constexpr int kSecondCache = 2;  // what the compiler calls it
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

// The same of a long range that lies in one piece. There it helps as well to touch a line of each
// page still earlier, for the sake of its page table. (Blocks that lie anywhere are slower for it.)
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
