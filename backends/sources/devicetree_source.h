// SPDX-License-Identifier: Apache-2.0
// dtb:FILE: the pmem-region nodes of a flattened device tree.
#ifndef NVDIMMFS_BACKENDS_SOURCES_DEVICETREE_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_DEVICETREE_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// range=FILE, once for each region, holds its bytes; without any they are in memory.
inline constexpr absl::string_view kDeviceTreeOptions[] = {"range", "format", "force",
                                                           "durability"};

// Refused as backends/devicetree_backend.h says.
absl::StatusOr<Buses> OpenDeviceTreeSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_DEVICETREE_SOURCE_H_
