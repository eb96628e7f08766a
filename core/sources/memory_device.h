// SPDX-License-Identifier: Apache-2.0
// The device behind a DIMM, where a backend can ask it itself (a CXL memory device): what it says
// of itself in addition to the kernel's nvdimm tree, and what it can be told.
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
    kErase,     // by new keys alone
  };

  virtual ~MemoryDevice() = default;

  virtual uint64_t serial() const = 0;
  // The kernel's object between the device and its nmemN ("pmem0").
  virtual std::string provider() const = 0;
  // Lines "key: value".
  virtual absl::StatusOr<std::string> Describe() const = 0;
  virtual absl::StatusOr<std::string> DescribeHealth() const = 0;
  // Refused with ENOTTY where device or kernel do not have it.
  virtual absl::Status Destroy(Wipe wipe) = 0;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SOURCES_MEMORY_DEVICE_H_
