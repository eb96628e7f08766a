#include "tools/sources/devicetree_source.h"

#include "backends/devicetree_backend.h"
#include "core/base/status.h"
#include "tools/sources/file_options.h"

namespace nvdimmfs::tools {

absl::StatusOr<Buses> OpenDeviceTreeSource(const SourceArguments& arguments) {
  ASSIGN_OR_RETURN(const backends::FileOptions options, ReadFileOptions(arguments));
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(arguments, "range"));
  return backends::OpenDeviceTree(arguments.name, files, options);
}

}  // namespace nvdimmfs::tools
