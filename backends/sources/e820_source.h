// SPDX-License-Identifier: Apache-2.0
// e820:FILE: a range of memory without DIMMs and labels, on a bus "e820".
#ifndef NVDIMMFS_BACKENDS_SOURCES_E820_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_E820_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// Each range=FILE adds a range; address=SIZE is the address of the first one.
inline constexpr absl::string_view kE820Options[] = {"range", "address", "format", "force",
                                                     "durability"};

// Refused as backends/e820_backend.h says.
absl::StatusOr<Buses> OpenE820Source(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_E820_SOURCE_H_
