// SPDX-License-Identifier: Apache-2.0
#include "core/base/fletcher64.h"

#include "core/base/endian.h"

namespace nvdimmfs::core {

uint64_t Fletcher64(absl::Span<const std::byte> bytes, size_t checksum_at) {
  uint32_t lo = 0;
  uint32_t hi = 0;
  for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    const bool skipped =
        checksum_at != kNoChecksumField && (at == checksum_at || at == checksum_at + 4);
    if (!skipped) lo += LoadLe<uint32_t>(bytes.data() + at);
    hi += lo;
  }
  return uint64_t{hi} << 32 | lo;
}

}  // namespace nvdimmfs::core
