// SPDX-License-Identifier: Apache-2.0
// The nd_region driver: enabling a region creates its namespaces and seeds, disabling it removes
// everything below it. Also advances the seeds.
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
// Offers the region's namespaces to their driver, once the region counts as bound.
void RegionProbed(Device& region, const absl::Status& status);

// Called after a driver has probed a child of a region: activating a seed advances it.
void ChildProbed(Device& child, const absl::Status& status);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_REGION_DRIVER_H_
