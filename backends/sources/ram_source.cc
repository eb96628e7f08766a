// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/ram_source.h"

#include <utility>

#include "backends/ram_backend.h"
#include "core/base/input.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

absl::StatusOr<Buses> OpenRamSource(const SourceArguments& arguments) {
  const auto size = core::ParseSize(arguments.name);
  if (!size.ok()) return BadOption("ram:" + arguments.name, "", "needs a size: ram:256M");
  ASSIGN_OR_RETURN(core::BusSource bus, OpenRam(*size, arguments.read_only));
  Buses buses;
  buses.push_back(std::move(bus));
  return buses;
}

}  // namespace nvdimmfs::backends
