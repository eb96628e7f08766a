// SPDX-License-Identifier: Apache-2.0
// How much of a file one process can reliably map.
#ifndef NVDIMMFS_BACKENDS_LARGEST_MAPPING_H_
#define NVDIMMFS_BACKENDS_LARGEST_MAPPING_H_

#include <cstdint>

namespace nvdimmfs::backends {

// A process has 128 TiB of addresses (47 bits); its program is loaded at about two thirds of that.
inline constexpr uint64_t kLargestMapping = uint64_t{64} << 40;

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_LARGEST_MAPPING_H_
