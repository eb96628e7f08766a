#include "tools/sources/cxl_source.h"

#include <utility>

#include "backends/cxl/cxl_backend.h"
#include "core/base/status.h"
#include "tools/sources/label_options.h"

namespace nvdimmfs::tools {

absl::StatusOr<Buses> OpenCxlSource(const SourceArguments& arguments) {
  backends::cxl::CxlOptions options{.read_only = arguments.read_only};
  ASSIGN_OR_RETURN(options.labels, ReadLabelPlace(arguments));
  for (const auto& [key, value] : arguments.options) {
    if (key == "force") options.force = true;
    if (key != "data") continue;
    if (value.empty()) return BadOption(key, value, "needs the path of a node or file");
    options.data = value;
  }
  Buses buses(1);
  ASSIGN_OR_RETURN(buses[0], backends::cxl::OpenCxl(arguments.name, options));
  return buses;
}

}  // namespace nvdimmfs::tools
