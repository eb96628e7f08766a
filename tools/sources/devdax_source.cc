#include "tools/sources/devdax_source.h"

#include <utility>

#include "backends/devdax_backend.h"
#include "core/base/status.h"
#include "tools/sources/image_options.h"
#include "tools/sources/label_options.h"

namespace nvdimmfs::tools {

absl::StatusOr<Buses> OpenDevdaxSource(const SourceArguments& arguments) {
  backends::DevdaxOptions options{.read_only = arguments.read_only};
  ASSIGN_OR_RETURN(options.labels, ReadLabelPlace(arguments));
  ASSIGN_OR_RETURN(options.slot, ReadSlotWish(arguments));
  for (const auto& option : arguments.options)
    if (option.first == "force") options.force = true;
  Buses buses(1);
  ASSIGN_OR_RETURN(buses[0], backends::OpenDevdax(arguments.name, options));
  return buses;
}

}  // namespace nvdimmfs::tools
