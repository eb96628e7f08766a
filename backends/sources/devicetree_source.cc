// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/devicetree_source.h"

#include "backends/devicetree_backend.h"
#include "backends/sources/file_options.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

absl::StatusOr<Buses> OpenDeviceTreeSource(const SourceArguments& arguments) {
  ASSIGN_OR_RETURN(const FileOptions options, ReadFileOptions(arguments));
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(arguments, "range"));
  return OpenDeviceTree(arguments.name, files, options);
}

}  // namespace nvdimmfs::backends
