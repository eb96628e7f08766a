// SPDX-License-Identifier: Apache-2.0
// Puts every byte of a bus's DIMMs and regions under a PowerSupply, whose power can fail.
#ifndef NVDIMMFS_CORE_SOURCES_POWERED_SOURCE_H_
#define NVDIMMFS_CORE_SOURCES_POWERED_SOURCE_H_

#include "absl/status/status.h"
#include "core/media/power_supply.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::core {

// Each DIMM's capacity and label area has a line of its own, so that a cut can come between the
// DIMMs of a set; so has a region whose bytes are not a DIMM's, and a set of unknown
// granularity. A missing DIMM has none.
// Refused as StripeMappings. Thread rules: before the bus is used.
absl::Status PutOnPower(BusSource& bus, PowerSupply& supply);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_POWERED_SOURCE_H_
