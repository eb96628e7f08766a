// SPDX-License-Identifier: Apache-2.0
// What all control commands have in common: the order of checks and the header of CALL.
//
// Order, as in the kernel: the family of a CALL (EINVAL), the command (ENOTTY), the descriptor's
// access (EPERM), the buffer (EINVAL), then the command's own checks. The firmware's answer is not
// an errno: it goes into the buffer's status field.
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_COMMANDS_COMMAND_CALL_H_
#define NVDIMMFS_CORE_COMMANDS_COMMAND_CALL_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/commands/command.h"

namespace nvdimmfs::core {

inline constexpr uint32_t kCallCommand = 10;
inline constexpr size_t kCallHeader = 64;  // bytes before a CALL's payload

// Values that the firmware puts into a status field.
inline constexpr uint32_t kStatusSuccess = 0;
inline constexpr uint32_t kStatusInvalid = 3;

// The commands that a device supports.
struct CommandMasks {
  absl::string_view device;  // its name, for messages
  uint64_t commands = 0;     // bit n: ioctl n exists
  uint64_t families = 0;     // bit n: CALL may name family n
  uint64_t functions = 0;    // bit n: CALL of function n exists
};

// A CALL, with the parts of its payload.
struct Call {
  uint64_t family = 0;
  uint64_t function = 0;
  absl::Span<std::byte> in;
  absl::Span<std::byte> out;
};

// Checks a command other than CALL. `size` is the minimum size of its buffer, in bytes.
absl::Status CheckCommand(const CommandMasks& masks, const Command& command, uint64_t size);

// The family that a CALL names; 0 if its buffer is too short to contain it.
uint64_t FamilyOf(const Command& command);

// Checks a CALL and splits it.
absl::StatusOr<Call> ParseCall(const CommandMasks& masks, const Command& command);

// Stores the size of the firmware's output in the CALL's header, and returns the result of the
// ioctl: 0.
int FinishCall(const Command& command, uint32_t firmware_size);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_COMMANDS_COMMAND_CALL_H_
