// SPDX-License-Identifier: Apache-2.0
// Plain files: an image is one DIMM on its own bus; a topology file (.toml) describes any number.
#ifndef NVDIMMFS_BACKENDS_SOURCES_FILE_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_FILE_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// Refused as backends/image_backend.h and backends/topology/topology.h say.
absl::StatusOr<Buses> OpenFileSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_FILE_SOURCE_H_
