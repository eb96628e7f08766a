// SPDX-License-Identifier: Apache-2.0
// What this machine's kernel says of the nd region in which a device lies.
#ifndef NVDIMMFS_BACKENDS_MACHINE_REGION_H_
#define NVDIMMFS_BACKENDS_MACHINE_REGION_H_

#include "backends/sysfs_folder.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

// Takes over NUMA node, target node, persistence domain and read_only of the nd region that
// `device` is a descendant of, and makes bad in region.media what is in the region's `badblocks`
// within region.spa (which, like region.media, is already set). What the kernel does not say stays
// as it is.
void TakeFromMachine(const SysfsFolder& device, core::RegionSource& region);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_MACHINE_REGION_H_
