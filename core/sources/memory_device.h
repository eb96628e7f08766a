// SPDX-License-Identifier: Apache-2.0
// The device behind a DIMM, if the backend has access to it (a CXL memory device): information and
// operations beyond the kernel's nvdimm tree.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_CORE_SOURCES_MEMORY_DEVICE_H_
#define NVDIMMFS_CORE_SOURCES_MEMORY_DEVICE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace nvdimmfs::core {

class MemoryDevice {
 public:
  enum class Wipe {
    kSanitize,  // all user data and keys become unreadable, by overwriting or by new keys
    kErase,     // only by new keys
  };

  virtual ~MemoryDevice() = default;

  virtual uint64_t serial() const = 0;
  // The kernel's object between the device and its nmemN ("pmem0").
  virtual std::string provider() const = 0;
  // Lines "key: value".
  virtual absl::StatusOr<std::string> Describe() const = 0;
  virtual absl::StatusOr<std::string> DescribeHealth() const = 0;
  // Refused with ENOTTY if the device or the kernel does not support it.
  virtual absl::Status Destroy(Wipe wipe) = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_MEMORY_DEVICE_H_
