// SPDX-License-Identifier: Apache-2.0
// What a Media guarantees about the holes that its Punch makes.
#ifndef NVDIMMFS_CORE_MEDIA_PAGE_HOLES_H_
#define NVDIMMFS_CORE_MEDIA_PAGE_HOLES_H_

#include <cstdint>

#include "core/media/media.h"

namespace nvdimmfs::core {

// A Media whose Punch gives whole pages back to a single underlying store also implements this.
class PageHoles {
 public:
  virtual ~PageHoles() = default;

  // Bytes, a power of two: Punch of a range whose ends are multiples of it gives back whole pages
  // of one store. If power is cut before the next Flush, each page is either unchanged or all
  // zeros. 0: Punch is not supported, or may tear a unit. Fixed for the life of the Media. Thread
  // rules: any thread.
  virtual uint64_t hole_unit() const = 0;
};

// 0 if the Media does not implement PageHoles.
inline uint64_t HoleUnitOf(const Media& media) {
  const auto* holes = dynamic_cast<const PageHoles*>(&media);
  return holes == nullptr ? 0 : holes->hole_unit();
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_PAGE_HOLES_H_
