// SPDX-License-Identifier: Apache-2.0
// What a Media can say of the holes that its Punch makes.
#ifndef NVDIMMFS_CORE_MEDIA_PAGE_HOLES_H_
#define NVDIMMFS_CORE_MEDIA_PAGE_HOLES_H_

#include <cstdint>

#include "core/media/media.h"

namespace nvdimmfs::core {

// A Media that gives whole pages back to one store implements this, too.
class PageHoles {
 public:
  virtual ~PageHoles() = default;

  // Bytes, a power of two: Punch of a range whose ends are multiples of it gives whole pages of one
  // store back. After a cut before the next Flush each of them is as it was or zeros, as a whole.
  // 0: Punch is not supported, or tears what lies in one unit. Fixed for the life of the Media.
  // Thread rules: any thread.
  virtual uint64_t hole_unit() const = 0;
};

// 0 where the Media says nothing of it.
inline uint64_t HoleUnitOf(const Media& media) {
  const auto* holes = dynamic_cast<const PageHoles*>(&media);
  return holes == nullptr ? 0 : holes->hole_unit();
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_PAGE_HOLES_H_
