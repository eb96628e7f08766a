// SPDX-License-Identifier: Apache-2.0
// ram:SIZE and ram:FILE: RAM as one DIMM with labels, as the kernel's ramdax driver presents a
// carve-out.
#ifndef NVDIMMFS_BACKENDS_SOURCES_RAM_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_RAM_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// For ram:FILE; ram:SIZE takes none of them. `address` is the start of the range.
inline constexpr absl::string_view kRamOptions[] = {"address", "format", "force", "durability"};

// Whether the text after "ram:" is a path, not a size. For a file whose name is a size, write
// ./NAME.
bool IsRamFile(absl::string_view name);

// Refused as backends/ram_backend.h says, and with EINVAL, "source.option", for an option with
// ram:SIZE.
absl::StatusOr<Buses> OpenRamSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_RAM_SOURCE_H_
