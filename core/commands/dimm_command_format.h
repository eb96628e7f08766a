// SPDX-License-Identifier: Apache-2.0
// Sizes of a DIMM's label commands as ioctls (the kernel's uapi <linux/ndctl.h>), in bytes.
#ifndef NVDIMMFS_CORE_COMMANDS_DIMM_COMMAND_FORMAT_H_
#define NVDIMMFS_CORE_COMMANDS_DIMM_COMMAND_FORMAT_H_

#include <cstddef>

namespace nvdimmfs::core {

inline constexpr size_t kConfigSizeLength = 12;  // status, size of the area, largest transfer
inline constexpr size_t kGetConfigHead = 12;     // offset, length, status; the bytes follow
inline constexpr size_t kSetConfigHead = 8;      // offset, length; the bytes follow
inline constexpr size_t kSetConfigTail = 4;      // status, after the bytes

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_COMMANDS_DIMM_COMMAND_FORMAT_H_
