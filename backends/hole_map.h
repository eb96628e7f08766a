// SPDX-License-Identifier: Apache-2.0
// Which parts of a file on tmpfs are known to have no hole. A load from a mapped hole of such a
// file makes a page of it, and takes memory; pread(2) does not. Elsewhere a hole costs page cache,
// which is given back.
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
  // Of `range` of the file; null where the file is not on tmpfs, or has no hole there now.
  static std::unique_ptr<HoleMap> Make(int fd, core::Range range);

  // Whether a load from `range`, in bytes from the start of the map's, makes no page. What is not
  // known is asked of the file, once: holes are made by NoteHole alone.
  bool IsFilled(core::Range range) const;
  void NoteHole(core::Range range);

 private:
  HoleMap(int fd, core::Range range);
  bool Look(uint64_t part) const;

  const int fd_;  // the mapping's
  const core::Range range_;
  const uint64_t part_;  // bytes
  // A bit for each part, 1 where there is no hole in it.
  mutable std::vector<std::atomic<uint64_t>> filled_;
};

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_HOLE_MAP_H_
