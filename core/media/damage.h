// SPDX-License-Identifier: Apache-2.0
// For a Media built from structures on another one: whether those structures are damaged.
#ifndef NVDIMMFS_CORE_MEDIA_DAMAGE_H_
#define NVDIMMFS_CORE_MEDIA_DAMAGE_H_

#include <string>

namespace nvdimmfs::core {

class DamageReport {
 public:
  virtual ~DamageReport() = default;
  // A sentence: why it refuses stores until it is repaired. Empty if no damage is known. Any
  // thread.
  virtual std::string damage() const = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_DAMAGE_H_
