// The kinds of device that the dax bus brings.
#ifndef NVDIMMFS_CORE_DAX_DAX_KIND_H_
#define NVDIMMFS_CORE_DAX_DAX_KIND_H_

#include "core/model/device_kind.h"

namespace nvdimmfs::core {

struct DaxKind {
  static constexpr DeviceKind kRegion{"dax_region"};         // dax_region beside dax0.0
  static constexpr DeviceKind kInstance{"dax"};              // dax0.0: the character device
  static constexpr DeviceKind kDriver{"dax_driver"};         // bus/dax/drivers/kmem
  static constexpr DeviceKind kMemory{"memory"};             // devices/system/memory
  static constexpr DeviceKind kMemoryBlock{"memory_block"};  // memory33 below it
  static constexpr DeviceKind kMemoryNode{"memory_node"};    // devices/system/node/node0
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DAX_DAX_KIND_H_
