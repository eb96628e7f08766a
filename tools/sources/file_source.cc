#include "tools/sources/file_source.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "backends/image_backend.h"
#include "backends/qemu_slot.h"
#include "core/base/status.h"
#include "tools/sources/image_options.h"
#include "tools/topology.h"

namespace nvdimmfs::tools {

absl::StatusOr<Buses> OpenFileSource(const SourceArguments& arguments) {
  ASSIGN_OR_RETURN(const backends::ImageOptions options, ReadImageOptions(arguments));
  ASSIGN_OR_RETURN(const backends::SlotWish slot, ReadSlotWish(arguments));
  if (absl::EndsWith(arguments.name, ".toml")) {
    constexpr absl::string_view kOfADimm[] = {"label_size", "hide_labels", "labels", "size",
                                              "slot",       "serial",      "format"};
    for (const auto& [key, value] : arguments.options)
      if (std::find(std::begin(kOfADimm), std::end(kOfADimm), key) != std::end(kOfADimm))
        return BadOption(key, value, "a topology file says it of each DIMM");
    return OpenTopology(arguments.name, options);
  }
  ASSIGN_OR_RETURN(core::DimmSource dimm, backends::OpenImage(arguments.name, 0, options));
  backends::Identify(0, slot, dimm);
  std::vector<core::DimmSource> dimms;
  dimms.push_back(std::move(dimm));
  Buses buses;
  buses.push_back(core::QemuBus(std::move(dimms)));
  return buses;
}

}  // namespace nvdimmfs::tools
