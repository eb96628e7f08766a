// SPDX-License-Identifier: Apache-2.0
// The device kinds of the nd bus.
#ifndef NVDIMMFS_CORE_ND_ND_KIND_H_
#define NVDIMMFS_CORE_ND_ND_KIND_H_

#include "core/model/device_kind.h"

namespace nvdimmfs::core {

struct NdKind {
  using Stay = DeviceKind::Stay;
  static constexpr DeviceKind kBus{"bus", "ndbusN", Stay::kWithBuses};
  static constexpr DeviceKind kControl{"control", "ndbusN/nd/ndctlN", Stay::kWithBuses};
  static constexpr DeviceKind kDimm{"dimm", "ndbusN/nmemM", Stay::kWithBuses};
  static constexpr DeviceKind kRegion{"region", "ndbusN/regionR", Stay::kWithBuses,
                                      /*folders_stay=*/false};
  static constexpr DeviceKind kNamespace{"namespace", "ndbusN/regionR/namespaceR.K"};
  static constexpr DeviceKind kBtt{"btt", "ndbusN/regionR/bttR.K"};
  static constexpr DeviceKind kPfn{"pfn", "ndbusN/regionR/pfnR.K"};
  static constexpr DeviceKind kDax{"nd_dax", "ndbusN/regionR/daxR.K"};  // claims a namespace
  // The disk below the device that exposes it: a namespace, btt or pfn.
  static constexpr DeviceKind kBlock{"block", "ndbusN/regionR/DEVICE/block/DISK"};
  static constexpr DeviceKind kPartition{"partition", "ndbusN/regionR/DEVICE/block/DISK/PARTITION"};
  static constexpr DeviceKind kBackingInfo{"bdi", "devices/virtual/bdi/A:B"};  // of a disk's number
  // An arena of an enabled btt, in debugfs.
  static constexpr DeviceKind kArena{"arena", "sys/kernel/debug/btt/bttR.K/arenaN"};
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_ND_KIND_H_
