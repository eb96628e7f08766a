// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/ram_source.h"

#include <utility>

#include "backends/ram_backend.h"
#include "backends/sources/file_options.h"
#include "core/base/input.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

bool IsRamFile(absl::string_view name) { return !core::ParseSize(name).ok(); }

absl::StatusOr<Buses> OpenRamSource(const SourceArguments& arguments) {
  Buses buses(1);
  const auto size = core::ParseSize(arguments.name);
  if (size.ok()) {
    if (!arguments.options.empty())
      return BadOption(arguments.options[0].first, arguments.options[0].second,
                       "is for ram:FILE; memory of a given size has no options");
    ASSIGN_OR_RETURN(buses[0], OpenRam(*size, arguments.read_only));
    return buses;
  }
  ASSIGN_OR_RETURN(const FileOptions options, ReadFileOptions(arguments));
  ASSIGN_OR_RETURN(const uint64_t address, ReadRangeAddress(arguments, kRamAddress));
  ASSIGN_OR_RETURN(buses[0], OpenRamFile(arguments.name, address, options));
  return buses;
}

}  // namespace nvdimmfs::backends
