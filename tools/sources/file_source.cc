#include "tools/sources/file_source.h"

#include <utility>

#include "absl/strings/match.h"
#include "backends/image_backend.h"
#include "core/base/status.h"
#include "tools/sources/image_options.h"
#include "tools/topology.h"

namespace nvdimmfs::tools {

absl::StatusOr<Buses> OpenFileSource(const SourceArguments& arguments) {
  ASSIGN_OR_RETURN(const backends::ImageOptions options, ReadImageOptions(arguments));
  if (absl::EndsWith(arguments.name, ".toml")) {
    for (const absl::string_view key : {"label_size", "labels"})
      if (key == "labels" ? !options.labels.empty() : options.label_size.has_value())
        return BadOption(key, "", "a topology file says it of each DIMM");
    return OpenTopology(arguments.name, options);
  }
  ASSIGN_OR_RETURN(core::DimmSource dimm, backends::OpenImage(arguments.name, 0, options));
  std::vector<core::DimmSource> dimms;
  dimms.push_back(std::move(dimm));
  Buses buses;
  buses.push_back(core::QemuBus(std::move(dimms)));
  return buses;
}

}  // namespace nvdimmfs::tools
