// SPDX-License-Identifier: Apache-2.0
// A machine to explore: an example of every feature.
//
//   region0   two DIMMs of the Intel family as a set, with labels of version 1.2: a namespace of
//             each mode, bad bytes, and free space
//   region1   one DIMM with labels of version 1.1
//   region2   one DIMM whose label area is blank
//   region3   a second bus, "e820": no DIMM, no labels
#ifndef NVDIMMFS_BACKENDS_SOURCES_DEMO_PRESET_H_
#define NVDIMMFS_BACKENDS_SOURCES_DEMO_PRESET_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

absl::StatusOr<Buses> DemoPreset();

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_DEMO_PRESET_H_
