// SPDX-License-Identifier: Apache-2.0
// One device's part in an interleaved region, as recorded in a CXL 2.1 label. Source: CXL 2.1
// section 9.13.2, "Region Label". A plain value; layout: label_format.h.
#ifndef NVDIMMFS_CORE_LABELS_REGION_LABEL_H_
#define NVDIMMFS_CORE_LABELS_REGION_LABEL_H_

#include <cstdint>

#include "core/base/uuid.h"

namespace nvdimmfs::core {

struct RegionLabel {
  Uuid uuid;           // of the region, the same on all of its devices
  uint32_t flags = 0;  // kLabelUpdating only
  uint16_t ways = 1;
  uint16_t position = 0;
  uint64_t dpa = 0;            // bytes, in this device's address space
  uint64_t rawsize = 0;        // this device's share, bytes
  uint64_t hpa = 0;            // required system physical address of the region; 0: any
  uint64_t granularity = 256;  // bytes, a power of two from 256 to kMaxLabelGranularity
  uint32_t align = 0;          // units of 256 MiB
  friend bool operator==(const RegionLabel&, const RegionLabel&) = default;
};

inline constexpr uint32_t kMaxLabelWays = 32;
inline constexpr uint64_t kMaxLabelGranularity = uint64_t{1} << 30;

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_REGION_LABEL_H_
