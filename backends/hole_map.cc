// SPDX-License-Identifier: Apache-2.0
#include "backends/hole_map.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>

#include "backends/file_reader.h"

namespace nvdimmfs::backends {
namespace {

// Limits the number of parts to a few million.
uint64_t PartOf(uint64_t size) {
  uint64_t part = 64 * 1024;
  while (size / part > 4'000'000) part *= 2;
  return part;
}

}  // namespace

std::unique_ptr<HoleMap> HoleMap::Make(int fd, core::Range range) {
  struct statfs system;
  struct stat file;
  if (fstatfs(fd, &system) != 0 || system.f_type != TMPFS_MAGIC || fstat(fd, &file) != 0 ||
      !S_ISREG(file.st_mode))
    return nullptr;
  if (NextDataOf(fd, range.start, range.end()) == range) return nullptr;
  return std::unique_ptr<HoleMap>(new HoleMap(fd, range));
}

HoleMap::HoleMap(int fd, core::Range range)
    : fd_(fd), range_(range), part_(PartOf(range.size)), filled_(range.size / part_ / 64 + 1) {}

bool HoleMap::Look(uint64_t part) const {
  const uint64_t start = part * part_;
  const core::Range bytes{range_.start + start, std::min(part_, range_.size - start)};
  if (NextDataOf(fd_, bytes.start, bytes.end()) != bytes) return false;
  filled_[part / 64].fetch_or(uint64_t{1} << part % 64, std::memory_order_relaxed);
  return true;
}

bool HoleMap::IsFilled(core::Range range) const {
  for (uint64_t part = range.start / part_; part * part_ < range.end(); ++part) {
    const uint64_t bits = filled_[part / 64].load(std::memory_order_relaxed);
    if ((bits >> part % 64 & 1) == 0 && !Look(part)) return false;
  }
  return true;
}

void HoleMap::NoteHole(core::Range range) {
  for (uint64_t part = range.start / part_; part * part_ < range.end(); ++part)
    filled_[part / 64].fetch_and(~(uint64_t{1} << part % 64), std::memory_order_relaxed);
}

}  // namespace nvdimmfs::backends
