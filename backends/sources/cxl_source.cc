// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/cxl_source.h"

#include <utility>

#include "backends/cxl/cxl_backend.h"
#include "backends/sources/label_options.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

absl::StatusOr<Buses> OpenCxlSource(const SourceArguments& arguments) {
  cxl::CxlOptions options{.read_only = arguments.read_only};
  ASSIGN_OR_RETURN(options.labels, ReadLabelPlace(arguments));
  for (const auto& [key, value] : arguments.options) {
    if (key == "force") options.force = true;
    if (key != "data") continue;
    if (value.empty()) return BadOption(key, value, "needs the path of a node or file");
    options.data = value;
  }
  Buses buses(1);
  ASSIGN_OR_RETURN(buses[0], cxl::OpenCxl(arguments.name, options));
  return buses;
}

}  // namespace nvdimmfs::backends
