// SPDX-License-Identifier: Apache-2.0
// Which owner has which DPA range of a region's DIMMs, and a drawing of that as text. Under the
// configuration lock.
#ifndef NVDIMMFS_CORE_SERVICES_DPA_MAP_H_
#define NVDIMMFS_CORE_SERVICES_DPA_MAP_H_

#include <string>
#include <vector>

#include "core/labels/dpa_bar.h"

namespace nvdimmfs::core {

class Region;

// One bar for each DIMM of the region, in the order of its mappings.
std::vector<DpaBar> MapDpa(const Region& region);

// One line for each extent and each gap, in DPA order, DIMM by DIMM.
std::string DrawDpaMap(const Region& region);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_DPA_MAP_H_
