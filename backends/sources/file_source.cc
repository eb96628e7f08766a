// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/file_source.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/image_backend.h"
#include "backends/qemu_slot.h"
#include "backends/sources/image_options.h"
#include "backends/topology/topology.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

absl::StatusOr<Buses> OpenFileSource(const SourceArguments& arguments) {
  ASSIGN_OR_RETURN(const ImageOptions options, ReadImageOptions(arguments));
  ASSIGN_OR_RETURN(const SlotWish slot, ReadSlotWish(arguments));
  if (absl::EndsWith(arguments.name, ".toml")) {
    constexpr absl::string_view kOfADimm[] = {"label_size", "hide_labels", "labels", "size",
                                              "slot",       "serial",      "spa",    "format"};
    for (const auto& [key, value] : arguments.options)
      if (std::find(std::begin(kOfADimm), std::end(kOfADimm), key) != std::end(kOfADimm))
        return BadOption(key, value, "a topology file says it of each DIMM");
    return OpenTopology(arguments.name, options);
  }
  ASSIGN_OR_RETURN(core::DimmSource dimm, OpenImage(arguments.name, 0, options));
  ASSIGN_OR_RETURN(const std::optional<uint64_t> spa,
                   ReadAddress(arguments, dimm.capacity->size()));
  Identify(0, slot, dimm);
  std::vector<core::DimmSource> dimms;
  dimms.push_back(std::move(dimm));
  Buses buses;
  buses.push_back(core::QemuBus(std::move(dimms)));
  core::RegionSource& region = buses[0].regions[0];
  if (spa) region.spa.start = *spa;
  region.address = {.rule = spa ? "spa= says so" : "an image alone is, like a guest's first DIMM",
                    .before = absl::StrCat("mount ", arguments.name, ",spa="),
                    .after = ""};
  return buses;
}

}  // namespace nvdimmfs::backends
