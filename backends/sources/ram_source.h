// SPDX-License-Identifier: Apache-2.0
// ram:SIZE: memory as one DIMM, as the kernel's ramdax driver presents a carve-out of RAM.
#ifndef NVDIMMFS_BACKENDS_SOURCES_RAM_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_RAM_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// Refused as backends/ram_backend.h says, or with EINVAL, "source.option", if it is not a size.
absl::StatusOr<Buses> OpenRamSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_RAM_SOURCE_H_
