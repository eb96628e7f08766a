// SPDX-License-Identifier: Apache-2.0
// The regions described by CXL devices, assembled from their region labels.
#ifndef NVDIMMFS_CORE_SOURCES_CXL_REGIONS_H_
#define NVDIMMFS_CORE_SOURCES_CXL_REGIONS_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "core/sources/bus_source.h"
#include "core/sources/dimm_source.h"

namespace nvdimmfs::core {

struct CxlRegions {
  // In the order in which the devices name them. `spa` starts at the labels' address, which may be
  // 0 (anywhere) or already taken. The caller sets the cookies.
  std::vector<RegionSource> regions;
  // Devices with a region label, whether its region is complete or not. Nothing else may use their
  // bytes. Ascending.
  std::vector<size_t> spoken_for;
};

// Reads the label areas of those of `dimms` that `candidates` lists (indices). A region is complete
// if each of its positions is on exactly one device, and all devices agree on ways, granularity,
// address and size. For other regions, the problem becomes a finding of their devices
// ("label.region.*").
CxlRegions AssembleCxlRegions(std::vector<DimmSource>& dimms, absl::Span<const size_t> candidates);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_CXL_REGIONS_H_
