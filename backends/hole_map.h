// SPDX-License-Identifier: Apache-2.0
// Which parts of a file on tmpfs are known to have no hole. A load from a mapped hole of such a
// file allocates a page, and so memory; pread(2) does not. On other file systems a hole only uses
// page cache, which can be reclaimed.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_HOLE_MAP_H_
#define NVDIMMFS_BACKENDS_HOLE_MAP_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/range.h"

namespace nvdimmfs::backends {

class HoleMap {
 public:
  // A map of `range` of the file; null if the file is not on tmpfs, or has no hole there now.
  static std::unique_ptr<HoleMap> Make(int fd, core::Range range);

  // Whether a load from `range` (bytes, relative to the map's range) allocates no page. Unknown
  // parts are looked up in the file once; only NoteHole adds holes.
  bool IsFilled(core::Range range) const;
  void NoteHole(core::Range range);

 private:
  HoleMap(int fd, core::Range range);
  bool Look(uint64_t part) const;

  const int fd_;  // of the mapping
  const core::Range range_;
  const uint64_t part_;  // bytes
  // One bit per part: 1 if it has no hole.
  mutable std::vector<std::atomic<uint64_t>> filled_;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_HOLE_MAP_H_
