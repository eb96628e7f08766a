// SPDX-License-Identifier: Apache-2.0
// Persistent memory that a flattened device tree describes: nodes compatible with "pmem-region" (or
// "pmem-region-v2"), as the kernel's of_pmem driver takes them. One bus for each node, named after
// the platform device; one region for each entry of `reg`.
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
  std::vector<core::Range> ranges;  // of `reg`, system physical addresses, bytes
  bool is_volatile = false;
  int numa_node = -1;  // -1: not said
};

// The nodes that a kernel makes devices of, in its order: children of the root and of simple buses
// that are not disabled. Addresses are translated through `ranges`.
// Refused with EINVAL: "dtb.structure" for what is not a device tree (devicetree_structure.h, then
// libfdt), "dtb.reg" for a node whose `reg` cannot be read or translated, wraps, is empty or not
// made of pages of 4096 bytes. Sentences name the node and the offset of its property.
absl::StatusOr<std::vector<PmemNode>> FindPmemNodes(absl::Span<const std::byte> tree);

// The buses of the file at `path`. The bytes of the regions are in `files` (OpenRange of
// range_file.h), one for each in order; with none they are in memory. Refused also with the errno
// of the system and "dtb.open"; ENODEV, "dtb.empty", where no node is found; EINVAL, "dtb.bytes",
// where the files are not as many as the regions. Thread rules: any thread.
absl::StatusOr<std::vector<core::BusSource>> OpenDeviceTree(const std::string& path,
                                                            const std::vector<std::string>& files,
                                                            const FileOptions& options);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_DEVICETREE_BACKEND_H_
