// SPDX-License-Identifier: Apache-2.0
// The drivers of the nd bus: which devices each one matches, and what binding does.
#ifndef NVDIMMFS_CORE_SYSTEM_ND_DRIVERS_H_
#define NVDIMMFS_CORE_SYSTEM_ND_DRIVERS_H_

#include "core/nd/nd_bus_type.h"

namespace nvdimmfs::core {

// Creates and registers the kernel's five drivers: nd_bus, nvdimm, nd_region, nd_pmem, dax_pmem.
void AddNdDrivers(NdBusType& bus);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SYSTEM_ND_DRIVERS_H_
