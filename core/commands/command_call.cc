// SPDX-License-Identifier: Apache-2.0
#include "core/commands/command_call.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

// Numbers that a descriptor open for reading may not use. The kernel does not tell DIMMs and buses
// apart here: 4 is a bus's CLEAR_ERROR and a DIMM's GET_CONFIG_SIZE.
constexpr uint64_t kNeedWriting = 1u << 2 | 1u << 4 | 1u << 6 | 1u << 9 | 1u << 10;

constexpr size_t kFamilyAt = 0, kFunctionAt = 8, kInAt = 16, kOutAt = 20;
constexpr size_t kReservedAt = 24, kReservedWords = 9, kFirmwareSizeAt = 60;

bool HasBit(uint64_t mask, uint64_t bit) { return bit < 64 && (mask >> bit & 1) != 0; }

absl::Status Unknown(absl::string_view device, absl::string_view what, uint64_t number) {
  return Refusal(ENOTTY, "command.unknown", absl::StrCat(device, ": has no ", what, " ", number));
}

absl::Status Invalid(absl::string_view device, absl::string_view why) {
  return Refusal(EINVAL, "command.buffer", absl::StrCat(device, ": ", why));
}

absl::Status CheckAccess(const CommandMasks& masks, const Command& command) {
  if (command.may_write || !HasBit(kNeedWriting, command.nr)) return absl::OkStatus();
  return Refusal(EPERM, "command.read_only",
                 absl::StrCat(masks.device, ": command ", command.nr,
                              " needs a descriptor that is open for writing"));
}

absl::Status CheckLength(const CommandMasks& masks, const Command& command, uint64_t size) {
  if (command.length > kLongestCommand)
    return Invalid(masks.device, absl::StrCat("a command of ", command.length,
                                              " bytes; the maximum is ", kLongestCommand));
  if (command.length < size || command.buffer.size() != command.length)
    return Invalid(masks.device, absl::StrCat("a buffer of ", command.buffer.size(),
                                              " bytes; this command takes at least ", size));
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCommand(const CommandMasks& masks, const Command& command, uint64_t size) {
  if (!HasBit(masks.commands, command.nr)) return Unknown(masks.device, "command", command.nr);
  RETURN_IF_ERROR(CheckAccess(masks, command));
  return CheckLength(masks, command, size);
}

uint64_t FamilyOf(const Command& command) {
  if (command.buffer.size() < kCallHeader) return 0;
  return LoadLe<uint64_t>(command.buffer.data() + kFamilyAt);
}

absl::StatusOr<Call> ParseCall(const CommandMasks& masks, const Command& command) {
  // A command that is too long has no buffer; its length is refused first.
  if (command.buffer.size() < kCallHeader) return CheckLength(masks, command, kCallHeader);
  const std::byte* const header = command.buffer.data();
  Call call = {.family = LoadLe<uint64_t>(header + kFamilyAt),
               .function = LoadLe<uint64_t>(header + kFunctionAt)};
  if (!HasBit(masks.families, call.family))
    return Refusal(EINVAL, "command.family",
                   absl::StrCat(masks.device, ": has no command family ", call.family));
  if (!HasBit(masks.functions, call.function) || call.function == 0)
    return Unknown(masks.device, "function", call.function);
  RETURN_IF_ERROR(CheckAccess(masks, command));
  for (size_t i = 0; i < kReservedWords; ++i)
    if (LoadLe<uint32_t>(header + kReservedAt + 4 * i) != 0)
      return Refusal(EINVAL, "command.value",
                     absl::StrCat(masks.device, ": a reserved word of CALL is not 0"));
  const uint64_t in = LoadLe<uint32_t>(header + kInAt), out = LoadLe<uint32_t>(header + kOutAt);
  RETURN_IF_ERROR(CheckLength(masks, command, kCallHeader + in + out));
  call.in = command.buffer.subspan(kCallHeader, in);
  call.out = command.buffer.subspan(kCallHeader + in, out);
  return call;
}

int FinishCall(const Command& command, uint32_t firmware_size) {
  StoreLe(command.buffer.data() + kFirmwareSizeAt, firmware_size);
  return 0;
}

}  // namespace nvdimmfs::core
