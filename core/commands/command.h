// SPDX-License-Identifier: Apache-2.0
// A control command as it arrives: the content of an ioctl on /dev/nmemN or /dev/ndctlN.
//
// Layouts: the kernel's uapi <linux/ndctl.h>; ACPI specification, "NVDIMM root device _DSMs" and
// the command families' own documents. All fields little-endian and packed.
#ifndef NVDIMMFS_CORE_COMMANDS_COMMAND_H_
#define NVDIMMFS_CORE_COMMANDS_COMMAND_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace nvdimmfs::core {

// The limit for one command's buffer, input and output together, in bytes.
inline constexpr uint64_t kLongestCommand = 4u << 20;

struct Command {
  uint32_t nr = 0;         // the lowest byte of the ioctl's number
  bool may_write = false;  // whether the caller's descriptor is open for writing
  uint64_t length = 0;     // bytes of the caller's buffer, computed from its own fields
  // The caller's buffer, input and output: `length` bytes, or none if that exceeds the limit.
  absl::Span<std::byte> buffer;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_COMMANDS_COMMAND_H_
