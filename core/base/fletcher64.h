// SPDX-License-Identifier: Apache-2.0
// Fletcher-64 as libnvdimm and UEFI use it: over little-endian 32-bit words, both sums modulo 2^32
// (not the classical modulus of 2^32 - 1). UEFI specification, "NVDIMM label protocol".
#ifndef NVDIMMFS_CORE_BASE_FLETCHER64_H_
#define NVDIMMFS_CORE_BASE_FLETCHER64_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace nvdimmfs::core {

// `bytes.size()` is a multiple of 4. The 8 bytes at `checksum_at` count as zero; kNoChecksumField
// means that every byte counts. `checksum_at` is a multiple of 4.
inline constexpr size_t kNoChecksumField = SIZE_MAX;
uint64_t Fletcher64(absl::Span<const std::byte> bytes, size_t checksum_at = kNoChecksumField);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_FLETCHER64_H_
