// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/nfit_source.h"

#include <utility>

#include "backends/nfit/nfit_backend.h"
#include "backends/sources/image_options.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

absl::StatusOr<Buses> OpenNfitSource(const SourceArguments& arguments) {
  NfitBytes bytes;
  for (const auto& [key, value] : arguments.options) {
    std::vector<std::string>* const files = key == "dimm"     ? &bytes.dimms
                                            : key == "range"  ? &bytes.ranges
                                            : key == "labels" ? &bytes.labels
                                                              : nullptr;
    if (files == nullptr) continue;
    if (value.empty()) return BadOption(key, value, "needs the name of a file");
    files->push_back(value);
  }
  ASSIGN_OR_RETURN(bytes.options, ReadImageOptions(arguments));
  bytes.options.labels.clear();  // one for each DIMM, above
  ASSIGN_OR_RETURN(core::BusSource bus, OpenNfit(arguments.name, bytes));
  Buses buses;
  buses.push_back(std::move(bus));
  return buses;
}

}  // namespace nvdimmfs::backends
