// dtb:FILE: the pmem-region nodes of a flattened device tree.
#ifndef NVDIMMFS_TOOLS_SOURCES_DEVICETREE_SOURCE_H_
#define NVDIMMFS_TOOLS_SOURCES_DEVICETREE_SOURCE_H_

#include "tools/sources/kind.h"

namespace nvdimmfs::tools {

// range=FILE, once for each region, holds its bytes; without any they are in memory.
inline constexpr absl::string_view kDeviceTreeOptions[] = {"range", "format", "force",
                                                           "durability"};

// Refused as backends/devicetree_backend.h says.
absl::StatusOr<Buses> OpenDeviceTreeSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SOURCES_DEVICETREE_SOURCE_H_
