// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/file_options.h"

#include "backends/sources/image_options.h"
#include "core/base/input.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

absl::StatusOr<FileOptions> ReadFileOptions(const SourceArguments& arguments) {
  ASSIGN_OR_RETURN(const ImageOptions options, ReadImageOptions(arguments));
  return FileOptions{.read_only = options.read_only,
                     .force = options.force,
                     .durability = options.durability,
                     .check_format = !options.raw};
}

absl::StatusOr<std::vector<std::string>> FilesOf(const SourceArguments& arguments,
                                                 absl::string_view key) {
  std::vector<std::string> files;
  for (const auto& [name, value] : arguments.options) {
    if (name != key) continue;
    if (value.empty()) return BadOption(key, value, "needs the name of a file");
    files.push_back(value);
  }
  return files;
}

absl::StatusOr<uint64_t> ReadRangeAddress(const SourceArguments& arguments, uint64_t otherwise) {
  uint64_t address = otherwise;
  for (const auto& [key, value] : arguments.options) {
    if (key != "address") continue;
    const auto hexadecimal = core::ParseUnsigned(value);
    const auto read = hexadecimal.ok() ? hexadecimal : core::ParseSize(value);
    if (!read.ok()) return BadOption(key, value, "needs an address: 0x100000000, or 4G");
    address = *read;
  }
  return address;
}

}  // namespace nvdimmfs::backends
