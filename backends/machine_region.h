// SPDX-License-Identifier: Apache-2.0
// What this machine's kernel reports about the nd region that contains a device.
#ifndef NVDIMMFS_BACKENDS_MACHINE_REGION_H_
#define NVDIMMFS_BACKENDS_MACHINE_REGION_H_

#include "backends/sysfs_folder.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

// Takes over NUMA node, target node, persistence domain and read_only from the nd region that
// `device` is a descendant of, and marks as bad in region.media the parts of region.spa in the
// region's `badblocks`. (The caller has set region.spa and region.media.) Values that the kernel
// does not report stay unchanged.
void TakeFromMachine(const SysfsFolder& device, core::RegionSource& region);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_MACHINE_REGION_H_
