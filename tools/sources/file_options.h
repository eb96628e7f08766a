// The options of sources whose bytes are in plain files or block devices.
#ifndef NVDIMMFS_TOOLS_SOURCES_FILE_OPTIONS_H_
#define NVDIMMFS_TOOLS_SOURCES_FILE_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/whole_file.h"
#include "tools/sources/kind.h"

namespace nvdimmfs::tools {

// Of `arguments`' options force and durability, and read_only. Refused as ReadImageOptions.
absl::StatusOr<backends::FileOptions> ReadFileOptions(const SourceArguments& arguments);

// The values of all options called `key`, in order. Refused with EINVAL, "source.option", where one
// is empty.
absl::StatusOr<std::vector<std::string>> FilesOf(const SourceArguments& arguments,
                                                 absl::string_view key);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SOURCES_FILE_OPTIONS_H_
