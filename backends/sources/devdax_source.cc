// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/devdax_source.h"

#include <utility>

#include "backends/devdax_backend.h"
#include "backends/sources/image_options.h"
#include "backends/sources/label_options.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

absl::StatusOr<Buses> OpenDevdaxSource(const SourceArguments& arguments) {
  DevdaxOptions options{.read_only = arguments.read_only};
  ASSIGN_OR_RETURN(options.labels, ReadLabelPlace(arguments));
  ASSIGN_OR_RETURN(options.slot, ReadSlotWish(arguments));
  for (const auto& option : arguments.options)
    if (option.first == "force") options.force = true;
  Buses buses(1);
  ASSIGN_OR_RETURN(buses[0], OpenDevdax(arguments.name, options));
  return buses;
}

}  // namespace nvdimmfs::backends
