// SPDX-License-Identifier: Apache-2.0
// Counts of the I/O on a data file.
#ifndef NVDIMMFS_CORE_MODEL_IO_COUNTS_H_
#define NVDIMMFS_CORE_MODEL_IO_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace nvdimmfs::core {

enum class IoKind { kRead, kWrite, kDiscard, kFlush, kError };
constexpr size_t kIoKinds = 5;

struct IoCounts {
  struct Count {
    uint64_t times = 0;
    uint64_t bytes = 0;  // of reads, writes and discards, failed ones too
  };

  const Count& of(IoKind kind) const { return counts[static_cast<size_t>(kind)]; }
  // Text of a disk's `stat` (Linux, Documentation/block/stat.rst): times, merges, 512-byte sectors
  // and milliseconds. The milliseconds are 0: no access takes as long as a tick of the kernel's
  // clock.
  std::string StatText() const;
  // Text of x/stats: a name and a number per line.
  std::string Text() const;

  std::array<Count, kIoKinds> counts;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_IO_COUNTS_H_
