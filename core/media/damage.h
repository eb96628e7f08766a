// SPDX-License-Identifier: Apache-2.0
// What a Media that is put together from structures on another one may know of itself: that they
// are damaged.
#ifndef NVDIMMFS_CORE_MEDIA_DAMAGE_H_
#define NVDIMMFS_CORE_MEDIA_DAMAGE_H_

#include <string>

namespace nvdimmfs::core {

class DamageReport {
 public:
  virtual ~DamageReport() = default;
  // Why it refuses stores until somebody has repaired it: a sentence. Empty: nothing is known to be
  // wrong. From any thread.
  virtual std::string damage() const = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MEDIA_DAMAGE_H_
