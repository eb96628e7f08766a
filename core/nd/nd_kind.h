// The kinds of device that the nd bus brings.
#ifndef NVDIMMFS_CORE_ND_ND_KIND_H_
#define NVDIMMFS_CORE_ND_ND_KIND_H_

#include "core/model/device_kind.h"

namespace nvdimmfs::core {

struct NdKind {
  using Stay = DeviceKind::Stay;
  static constexpr DeviceKind kBus{"bus", Stay::kWithBuses};          // ndbus0
  static constexpr DeviceKind kControl{"control", Stay::kWithBuses};  // ndctl0, below the bus
  static constexpr DeviceKind kDimm{"dimm", Stay::kWithBuses};        // nmem0
  static constexpr DeviceKind kRegion{"region", Stay::kWithBuses, /*folders_stay=*/false};
  static constexpr DeviceKind kNamespace{"namespace"};  // namespace0.0
  static constexpr DeviceKind kBtt{"btt"};              // btt0.0
  static constexpr DeviceKind kPfn{"pfn"};              // pfn0.0
  static constexpr DeviceKind kDax{"nd_dax"};           // dax0.0: what claims a namespace
  static constexpr DeviceKind kBlock{"block"};  // pmem0, the disk below whatever drives a namespace
  static constexpr DeviceKind kArena{"arena"};  // arena0 of an enabled btt, in debugfs
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_ND_KIND_H_
