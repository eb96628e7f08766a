// Plain files: an image is one DIMM on a bus of its own, a topology file (.toml) is what it says.
#ifndef NVDIMMFS_TOOLS_SOURCES_FILE_SOURCE_H_
#define NVDIMMFS_TOOLS_SOURCES_FILE_SOURCE_H_

#include "tools/sources/kind.h"

namespace nvdimmfs::tools {

// Refused as backends/image_backend.h and tools/topology.h say.
absl::StatusOr<Buses> OpenFileSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SOURCES_FILE_SOURCE_H_
