// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/e820_source.h"

#include <utility>

#include "backends/e820_backend.h"
#include "backends/sources/file_options.h"
#include "core/base/status.h"
#include "core/sources/region_address.h"

namespace nvdimmfs::backends {
namespace {

constexpr uint64_t kFirstAddress = uint64_t{4} << 30;

}  // namespace

absl::StatusOr<Buses> OpenE820Source(const SourceArguments& arguments) {
  ASSIGN_OR_RETURN(const FileOptions options, ReadFileOptions(arguments));
  ASSIGN_OR_RETURN(std::vector<std::string> paths, FilesOf(arguments, "range"));
  paths.insert(paths.begin(), arguments.name);
  ASSIGN_OR_RETURN(const uint64_t address, ReadRangeAddress(arguments, kFirstAddress));
  Buses buses(1);
  ASSIGN_OR_RETURN(buses[0], OpenE820(paths, address, options));
  return buses;
}

}  // namespace nvdimmfs::backends
