// SPDX-License-Identifier: Apache-2.0
// devdax:/dev/daxR.N: a device-dax node as a DIMM.
#ifndef NVDIMMFS_BACKENDS_SOURCES_DEVDAX_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_DEVDAX_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

inline constexpr absl::string_view kDevdaxOptions[] = {"labels", "label_size", "hide_labels",
                                                       "slot",   "serial",     "force"};

// Refused as backends/devdax_backend.h says.
absl::StatusOr<Buses> OpenDevdaxSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_DEVDAX_SOURCE_H_
