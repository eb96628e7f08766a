// SPDX-License-Identifier: Apache-2.0
// A DIMM's passphrase: 32 bytes, compared as they are.
#ifndef NVDIMMFS_CORE_INTEL_PASSPHRASE_H_
#define NVDIMMFS_CORE_INTEL_PASSPHRASE_H_

#include <array>
#include <cstddef>

#include "core/intel/format.h"

namespace nvdimmfs::core::intel {

// All zeros if none is set.
using Passphrase = std::array<std::byte, kPassphraseSize>;

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_PASSPHRASE_H_
