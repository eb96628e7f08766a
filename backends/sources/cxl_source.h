// SPDX-License-Identifier: Apache-2.0
// cxl:/dev/cxl/memN: a CXL memory device, and the devices that it is interleaved with.
#ifndef NVDIMMFS_BACKENDS_SOURCES_CXL_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_CXL_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

inline constexpr absl::string_view kCxlOptions[] = {"data", "labels", "label_size", "hide_labels",
                                                    "force"};

// Refused as backends/cxl/cxl_backend.h says.
absl::StatusOr<Buses> OpenCxlSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_CXL_SOURCE_H_
