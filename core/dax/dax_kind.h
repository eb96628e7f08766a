// SPDX-License-Identifier: Apache-2.0
// The device kinds of the dax bus.
#ifndef NVDIMMFS_CORE_DAX_DAX_KIND_H_
#define NVDIMMFS_CORE_DAX_DAX_KIND_H_

#include "core/model/device_kind.h"

namespace nvdimmfs::core {

struct DaxKind {
  // Below the device that has the memory, next to the dax device.
  static constexpr DeviceKind kRegion{"dax_region", "ndbusN/regionR/daxR.K/dax_region"};
  static constexpr DeviceKind kInstance{"dax", "ndbusN/regionR/daxR.K/daxR.I"};
  static constexpr DeviceKind kDriver{"dax_driver", "bus/dax/drivers/DRIVER"};
  static constexpr DeviceKind kMemory{"memory", "devices/system/memory"};
  static constexpr DeviceKind kMemoryBlock{"memory_block", "devices/system/memory/memoryN"};
  static constexpr DeviceKind kMemoryNode{"memory_node", "devices/system/node/nodeN"};
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DAX_DAX_KIND_H_
