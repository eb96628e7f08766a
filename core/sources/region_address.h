// SPDX-License-Identifier: Apache-2.0
// Where regions are placed in the address space if nothing else decides.
#ifndef NVDIMMFS_CORE_SOURCES_REGION_ADDRESS_H_
#define NVDIMMFS_CORE_SOURCES_REGION_ADDRESS_H_

#include <cstdint>

namespace nvdimmfs::core {

// Bytes. The first region: memory above the PCI hole starts here.
inline constexpr uint64_t kFirstRegionAddress = uint64_t{4} << 30;
// Bytes. Each further region starts at the next multiple of this.
inline constexpr uint64_t kRegionAddressAlign = uint64_t{1} << 30;

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_REGION_ADDRESS_H_
