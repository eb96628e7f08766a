// A drawing in text of who owns which DPA of a region's DIMMs.
#ifndef NVDIMMFS_CORE_DPA_MAP_H_
#define NVDIMMFS_CORE_DPA_MAP_H_

#include <string>

namespace nvdimmfs::core {

class Region;

// One line for each extent and each gap, in DPA order, DIMM by DIMM.
std::string DrawDpaMap(const Region& region);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DPA_MAP_H_
