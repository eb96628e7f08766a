// SPDX-License-Identifier: Apache-2.0
// nfit:TABLE: the DIMMs and regions of an ACPI NFIT.
#ifndef NVDIMMFS_BACKENDS_SOURCES_NFIT_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_NFIT_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

// Options that may be repeated: dimm=IMAGE for each DIMM, or range=FILE for each region with
// labels=FILE for each DIMM.
inline constexpr absl::string_view kNfitOptions[] = {
    "dimm", "range", "labels", "label_size", "hide_labels", "format", "force", "durability"};

// Refused as backends/nfit/nfit_backend.h says.
absl::StatusOr<Buses> OpenNfitSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_NFIT_SOURCE_H_
