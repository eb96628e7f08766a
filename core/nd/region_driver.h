// SPDX-License-Identifier: Apache-2.0
// The driver nd_region: enabling a region makes its namespaces and seeds, disabling it takes all
// that is below it away. Also how the seeds move on.
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_ND_REGION_DRIVER_H_
#define NVDIMMFS_CORE_ND_REGION_DRIVER_H_

#include "absl/status/status.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

// The devices are Regions.
absl::Status ProbeRegion(Device& region);
void RemoveRegion(Device& region);
// Only once the region counts as bound are its namespaces offered to their driver.
void RegionProbed(Device& region, const absl::Status& status);

// After a driver's probe of a child of a region: activation moves the seeds on.
void ChildProbed(Device& child, const absl::Status& status);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_REGION_DRIVER_H_
