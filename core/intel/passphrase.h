// SPDX-License-Identifier: Apache-2.0
// What a DIMM compares when a passphrase is given.
#ifndef NVDIMMFS_CORE_INTEL_PASSPHRASE_H_
#define NVDIMMFS_CORE_INTEL_PASSPHRASE_H_

#include <array>
#include <cstddef>

#include "core/intel/format.h"

namespace nvdimmfs::core::intel {

// All zeros where none is set.
using Passphrase = std::array<std::byte, kPassphraseSize>;

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_PASSPHRASE_H_
