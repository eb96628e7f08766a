// SPDX-License-Identifier: Apache-2.0
// A control command as it comes in: what an ioctl of /dev/nmemN or /dev/ndctlN carries.
//
// Layouts: the kernel's uapi <linux/ndctl.h>; ACPI specification, "NVDIMM root device _DSMs" and
// the command families' own documents. All fields little-endian and packed.
#ifndef NVDIMMFS_CORE_COMMANDS_COMMAND_H_
#define NVDIMMFS_CORE_COMMANDS_COMMAND_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace nvdimmfs::core {

// The most that one command's buffer may hold, in and out together.
inline constexpr uint64_t kLongestCommand = 4u << 20;

struct Command {
  uint32_t nr = 0;         // the lowest byte of the ioctl's number
  bool may_write = false;  // whether the caller's descriptor is open for writing
  uint64_t length = 0;     // bytes of the caller's buffer, as its own fields have it
  // The caller's buffer, input and output: `length` bytes, none where that is over the limit.
  absl::Span<std::byte> buffer;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_COMMANDS_COMMAND_H_
