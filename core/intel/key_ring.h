// SPDX-License-Identifier: Apache-2.0
// Where passphrases come from: the kernel's keyrings, or a fake in tests.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_CORE_INTEL_KEY_RING_H_
#define NVDIMMFS_CORE_INTEL_KEY_RING_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/intel/passphrase.h"

namespace nvdimmfs::core::intel {

class KeyRing {
 public:
  virtual ~KeyRing() = default;

  // The passphrase of the key with this serial number. Refused with ENOKEY, "security.key", if
  // there is no such key, it cannot be read, or it is not an `encrypted` key of 32 bytes.
  virtual absl::StatusOr<Passphrase> Read(uint32_t serial) = 0;
  // The same for the key with this description.
  virtual absl::StatusOr<Passphrase> Find(const std::string& description) = 0;
};

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_KEY_RING_H_
