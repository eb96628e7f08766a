// SPDX-License-Identifier: Apache-2.0
// ram:SIZE and ram:FILE: RAM as one DIMM with labels, as the kernel's ramdax driver presents a
// carve-out.
#ifndef NVDIMMFS_BACKENDS_SOURCES_RAM_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_RAM_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// address=SIZE says where the range of ram:FILE is. With ram:SIZE none of them applies.
inline constexpr absl::string_view kRamOptions[] = {"address", "format", "force", "durability"};

// What follows "ram:" is a path, and not a size. A file whose name is a size is ./NAME.
bool IsRamFile(absl::string_view name);

// Refused as backends/ram_backend.h says, and with EINVAL, "source.option", for options of a file
// with a size.
absl::StatusOr<Buses> OpenRamSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_RAM_SOURCE_H_
