// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/e820_source.h"

#include <utility>

#include "backends/e820_backend.h"
#include "backends/sources/file_options.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/sources/region_address.h"

namespace nvdimmfs::backends {
namespace {

// As in the kernel's own parameter: 0x..., or a number with K, M or G.
absl::StatusOr<uint64_t> ReadAddress(const std::string& value) {
  const auto hexadecimal = core::ParseUnsigned(value);
  if (hexadecimal.ok()) return *hexadecimal;
  const auto size = core::ParseSize(value);
  if (size.ok()) return *size;
  return BadOption("address", value, "needs an address: 0x100000000, or 4G");
}

}  // namespace

absl::StatusOr<Buses> OpenE820Source(const SourceArguments& arguments) {
  ASSIGN_OR_RETURN(const FileOptions options, ReadFileOptions(arguments));
  ASSIGN_OR_RETURN(std::vector<std::string> paths, FilesOf(arguments, "range"));
  paths.insert(paths.begin(), arguments.name);
  uint64_t address = core::kFirstRegionAddress;
  for (const auto& [key, value] : arguments.options)
    if (key == "address") {
      ASSIGN_OR_RETURN(address, ReadAddress(value));
    }
  Buses buses(1);
  ASSIGN_OR_RETURN(buses[0], OpenE820(paths, address, options));
  return buses;
}

}  // namespace nvdimmfs::backends
