#include "tools/sources/devdax_source.h"

#include <utility>

#include "backends/devdax_backend.h"
#include "core/input.h"
#include "core/status.h"

namespace nvdimmfs::tools {

absl::StatusOr<Buses> OpenDevdaxSource(const SourceArguments& arguments) {
  backends::DevdaxOptions options{.read_only = arguments.read_only};
  for (const auto& [key, value] : arguments.options) {
    if (key == "label_size") {
      const auto size = core::ParseSize(value);
      if (!size.ok()) return BadOption(key, value, "needs a size in bytes, or with K, M or G");
      options.labels.size = *size;
    } else if (key == "force") {
      options.force = true;
    } else if (value == "tail") {
      options.labels.tail = true;
    } else if (value.empty()) {
      return BadOption(key, value, "needs the path of a file, or tail");
    } else {
      options.labels.file = value;
    }
  }
  Buses buses(1);
  ASSIGN_OR_RETURN(buses[0], backends::OpenDevdax(arguments.name, options));
  return buses;
}

}  // namespace nvdimmfs::tools
