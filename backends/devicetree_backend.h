// SPDX-License-Identifier: Apache-2.0
// Persistent memory described by a flattened device tree: nodes compatible with "pmem-region" (or
// "pmem-region-v2"), as for the kernel's of_pmem driver. One bus per node, named after the platform
// device; one region per entry of `reg`.
//
// Source: Devicetree specification v0.4; Linux, Documentation/devicetree/bindings/pmem/.
#ifndef NVDIMMFS_BACKENDS_DEVICETREE_BACKEND_H_
#define NVDIMMFS_BACKENDS_DEVICETREE_BACKEND_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/whole_file.h"
#include "core/base/range.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

// One node.
struct PmemNode {
  std::string path;                 // in the tree: "/pmem@100000000"
  std::string device;               // the platform device's name: "100000000.pmem"
  std::vector<core::Range> ranges;  // from `reg`: system physical addresses, bytes
  bool is_volatile = false;
  int numa_node = -1;  // -1: not stated
};

// The nodes for which a kernel creates devices, in its order: enabled children of the root and of
// simple buses. Addresses are translated through `ranges`. Refused with EINVAL: "dtb.structure" if
// it is not a device tree (devicetree_structure.h, then libfdt), "dtb.reg" if a node's `reg` cannot
// be read or translated, wraps, is empty or does not consist of 4096-byte pages. Messages name the
// node and the offset of its property.
absl::StatusOr<std::vector<PmemNode>> FindPmemNodes(absl::Span<const std::byte> tree);

// The buses of the file at `path`. `files` hold the bytes of the regions (OpenRange of
// range_file.h), one per region in order; without any they are in memory. Also refused with the
// system's errno and "dtb.open"; ENODEV, "dtb.empty", if there is no such node; EINVAL,
// "dtb.bytes", if the number of files differs from that of regions. Thread rules: any thread.
absl::StatusOr<std::vector<core::BusSource>> OpenDeviceTree(const std::string& path,
                                                            const std::vector<std::string>& files,
                                                            const FileOptions& options);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_DEVICETREE_BACKEND_H_
