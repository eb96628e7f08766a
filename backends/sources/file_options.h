// SPDX-License-Identifier: Apache-2.0
// The options of sources whose bytes are in plain files or block devices.
#ifndef NVDIMMFS_BACKENDS_SOURCES_FILE_OPTIONS_H_
#define NVDIMMFS_BACKENDS_SOURCES_FILE_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/sources/kind.h"
#include "backends/whole_file.h"

namespace nvdimmfs::backends {

// Reads the options force and durability of `arguments`, and read_only. Refused as
// ReadImageOptions.
absl::StatusOr<FileOptions> ReadFileOptions(const SourceArguments& arguments);

// The values of all options called `key`, in order. Refused with EINVAL, "source.option", if one is
// empty.
absl::StatusOr<std::vector<std::string>> FilesOf(const SourceArguments& arguments,
                                                 absl::string_view key);

// The value of the option address, the start of a range of memory, in the forms of the kernel's
// parameter memmap=: 0x..., or a number with K, M or G. `otherwise` if it is not given. Refused
// with EINVAL, "source.option".
absl::StatusOr<uint64_t> ReadRangeAddress(const SourceArguments& arguments, uint64_t otherwise);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_FILE_OPTIONS_H_
