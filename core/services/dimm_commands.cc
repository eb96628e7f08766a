// SPDX-License-Identifier: Apache-2.0
#include "core/services/dimm_commands.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/commands/command_call.h"
#include "core/commands/dimm_command_format.h"
#include "core/model/engine.h"
#include "core/nd/dimm.h"

namespace nvdimmfs::core {
namespace {

constexpr uint32_t kGetSize = intel::kGetLabelSize, kGetData = intel::kGetLabels,
                   kSetData = intel::kSetLabels;

CommandMasks MasksOf(const Dimm& dimm) {
  const uint64_t labels = dimm.has_label_area() ? kLabelFunctions : 0;
  const uint64_t functions = dimm.functions();
  CommandMasks masks = {.device = dimm.name(),
                        .commands = labels | (functions & intel::kIoctlBits),
                        .families = functions != 0 ? 1u : 0u,
                        .functions = functions};
  if (dimm.quirks().one_way_each) {
    masks.commands = labels;
    masks.functions &= ~kLabelFunctions;
  }
  return masks;
}

uint64_t MaxTransfer(const Dimm& dimm) {
  if (dimm.source().label_transfer != 0) return dimm.source().label_transfer;
  return dimm.firmware() == nullptr ? kMaxLabelTransfer : dimm.firmware()->label_transfer();
}

// The three label functions, whether they arrive as ioctls or as CALLs. Each returns the firmware's
// status.

void GetSize(const Dimm& dimm, absl::Span<std::byte> out) {
  StoreLe<uint32_t>(out.data(), kStatusSuccess);
  StoreLe<uint32_t>(out.data() + 4, static_cast<uint32_t>(dimm.source().labels->size()));
  StoreLe(out.data() + 8, static_cast<uint32_t>(MaxTransfer(dimm)));
}

void CopyOut(absl::Span<const std::byte> said, absl::Span<std::byte> out) {
  std::copy_n(said.begin(), std::min(said.size(), out.size()), out.begin());
}

// How many bytes a label transfer moves; 0 if the firmware's status is not success.
struct Transfer {
  uint32_t status = kStatusInvalid;
  uint64_t length = 0;
};

absl::StatusOr<Transfer> Plan(const Dimm& dimm, uint64_t offset, uint64_t length) {
  const uint64_t size = dimm.source().labels->size();
  if (dimm.quirks().cuts_label_transfers) {
    if (offset < size) return Transfer{kStatusSuccess, std::min(length, size - offset)};
    return Refusal(
        EINVAL, "command.buffer",
        absl::StrCat(dimm.name(), ": offset ", offset, " is past its ", size, " bytes of labels"));
  }
  const bool fits = length <= MaxTransfer(dimm) && offset <= size && length <= size - offset;
  return fits ? Transfer{kStatusSuccess, length} : Transfer{};
}

absl::StatusOr<Transfer> GetData(const Dimm& dimm, uint64_t offset, absl::Span<std::byte> out) {
  ASSIGN_OR_RETURN(const Transfer transfer, Plan(dimm, offset, out.size()));
  if (transfer.status == kStatusSuccess)
    RETURN_IF_ERROR(dimm.source().labels->Read(offset, out.first(transfer.length)));
  return transfer;
}

absl::StatusOr<Transfer> SetData(const Dimm& dimm, uint64_t offset,
                                 absl::Span<const std::byte> data) {
  if (dimm.users() > 0)
    return Refusal(
        EBUSY, "dimm.active",
        absl::StrCat(dimm.name(), ": an enabled region uses its labels; disable the region first"));
  if (dimm.overwriting())
    return Refusal(EBUSY, "dimm.overwriting",
                   absl::StrCat(dimm.name(), ": it is being overwritten; wait for it"));
  ASSIGN_OR_RETURN(const Transfer transfer, Plan(dimm, offset, data.size()));
  if (transfer.status != kStatusSuccess) return transfer;
  Media& labels = *dimm.source().labels;
  RETURN_IF_ERROR(labels.Write(offset, data.first(transfer.length)));
  RETURN_IF_ERROR(labels.Persist(offset, transfer.length));
  RETURN_IF_ERROR(labels.Flush());
  return transfer;
}

// --- As ioctls of their own. ---

absl::StatusOr<int> GetSizeCommand(const Dimm& dimm, const Command& command) {
  RETURN_IF_ERROR(CheckCommand(MasksOf(dimm), command, kConfigSizeLength));
  GetSize(dimm, command.buffer);
  return 0;
}

absl::StatusOr<int> GetDataCommand(const Dimm& dimm, const Command& command) {
  RETURN_IF_ERROR(CheckCommand(MasksOf(dimm), command, kGetConfigHead));
  std::byte* const head = command.buffer.data();
  const absl::Span<std::byte> out = command.buffer.subspan(kGetConfigHead);
  ASSIGN_OR_RETURN(const Transfer done, GetData(dimm, LoadLe<uint32_t>(head), out));
  StoreLe(head + 8, done.status);
  return static_cast<int>(out.size() - done.length);
}

absl::StatusOr<int> SetDataCommand(const Dimm& dimm, const Command& command) {
  constexpr size_t kEnds = kSetConfigHead + kSetConfigTail;
  RETURN_IF_ERROR(CheckCommand(MasksOf(dimm), command, kEnds));
  std::byte* const head = command.buffer.data();
  const absl::Span<std::byte> data =
      command.buffer.subspan(kSetConfigHead, command.buffer.size() - kEnds);
  ASSIGN_OR_RETURN(const Transfer done, SetData(dimm, LoadLe<uint32_t>(head), data));
  StoreLe(head + command.buffer.size() - kSetConfigTail, done.status);
  return done.status == kStatusSuccess ? static_cast<int>(data.size() - done.length) : 0;
}

// The answer of the DIMM's firmware. An alarm wakes the programs that poll for one.
std::vector<std::byte> AskFirmware(Dimm& dimm, uint32_t function, absl::Span<const std::byte> in) {
  std::vector<std::byte> said = dimm.firmware()->Run(function, in);
  const bool about_health = function == intel::kSetThreshold || function == intel::kInjectSmart;
  if (about_health && dimm.firmware()->health().HasEvent())
    dimm.engine().NotifyChanged(dimm, "nfit/flags");
  return said;
}

absl::StatusOr<int> SmartCommand(Dimm& dimm, const Command& command) {
  const uint64_t size =
      command.nr == intel::kSmart ? sizeof(intel::SmartOutput) : sizeof(intel::ThresholdOutput);
  RETURN_IF_ERROR(CheckCommand(MasksOf(dimm), command, size));
  CopyOut(AskFirmware(dimm, command.nr, {}), command.buffer);
  return 0;
}

// --- In a CALL: the firmware's answer is cut to the size of the buffer. ---

absl::Status CheckTakesCall(const Dimm& dimm) {
  if (dimm.takes_call()) return absl::OkStatus();
  return Refusal(EINVAL, "command.no_call", absl::StrCat(dimm.name(), ": its bus takes no CALL"));
}

// A kernel reserves these functions for itself; users reach them through sysfs.
absl::Status CheckNotTheKernels(const Dimm& dimm, const Call& call) {
  if ((intel::kKernelOnlyBits >> call.function & 1) == 0) return absl::OkStatus();
  return Refusal(
      EOPNOTSUPP, "command.kernel_only",
      absl::StrCat(dimm.name(), ": function ", call.function, " is the kernel's own; write to ",
                   dimm.name(), "/security or firmware/activate instead"));
}

constexpr uint64_t kChanging = intel::BitOf(intel::kSetLabels) | intel::BitOf(intel::kEnableLatch) |
                               intel::BitsOf(intel::kFirmwareStart, intel::kFirmwareFinish) |
                               intel::BitsOf(intel::kSetThreshold, intel::kInjectSmart);

absl::Status CheckWritable(const Dimm& dimm, uint64_t function) {
  if (!dimm.source().read_only || (kChanging >> function & 1) == 0) return absl::OkStatus();
  return Refusal(EROFS, "dimm.read_only",
                 absl::StrCat(dimm.name(), ": function ", function,
                              " changes it, and it was opened read-only"));
}

absl::StatusOr<std::vector<std::byte>> Answer(Dimm& dimm, const Call& call) {
  if ((kLabelFunctions >> call.function & 1) == 0)
    return AskFirmware(dimm, static_cast<uint32_t>(call.function), call.in);
  std::vector<std::byte> said(4);
  if (call.function == kGetSize) {
    said.resize(12);
    GetSize(dimm, absl::MakeSpan(said));
    return said;
  }
  Transfer done;
  if (call.in.size() >= 8) {
    const uint64_t offset = LoadLe<uint32_t>(call.in.data());
    const uint64_t length = LoadLe<uint32_t>(call.in.data() + 4);
    if (call.function == kSetData && length <= call.in.size() - 8) {
      ASSIGN_OR_RETURN(done, SetData(dimm, offset, call.in.subspan(8, length)));
    } else if (call.function == kGetData) {
      ASSIGN_OR_RETURN(done, Plan(dimm, offset, length));
      said.resize(4 + done.length);
      if (done.status == kStatusSuccess)
        RETURN_IF_ERROR(dimm.source().labels->Read(offset, absl::MakeSpan(said).subspan(4)));
    }
  }
  StoreLe(said.data(), done.status);
  return said;
}

absl::StatusOr<int> CallCommand(Dimm& dimm, const Command& command) {
  ASSIGN_OR_RETURN(const Call call, ParseCall(MasksOf(dimm), command));
  RETURN_IF_ERROR(CheckTakesCall(dimm));
  RETURN_IF_ERROR(CheckNotTheKernels(dimm, call));
  RETURN_IF_ERROR(CheckWritable(dimm, call.function));
  if (dimm.quirks().checks_call_sizes)
    RETURN_IF_ERROR(CheckCallOfTestDimm(call.function, call.in, call.in.size() + call.out.size()));
  ASSIGN_OR_RETURN(const std::vector<std::byte> said, Answer(dimm, call));
  CopyOut(said, call.out);
  return FinishCall(command, static_cast<uint32_t>(said.size()));
}

absl::StatusOr<int> Run(Dimm& dimm, const Command& command) {
  switch (command.nr) {
    case intel::kSmart:
    case intel::kSmartThreshold:
      return SmartCommand(dimm, command);
    case kGetSize:
      return GetSizeCommand(dimm, command);
    case kGetData:
      return GetDataCommand(dimm, command);
    case kSetData:
      return SetDataCommand(dimm, command);
    case kCallCommand:
      return CallCommand(dimm, command);
    default:
      return CheckCommand(MasksOf(dimm), command, 0);
  }
}

}  // namespace

absl::StatusOr<int> RunDimmCommand(Device& device, const Command& command) {
  Dimm& dimm = static_cast<Dimm&>(device);
  // Read it before the answer overwrites the function number.
  const uint64_t function = command.nr == kCallCommand && command.buffer.size() >= 16
                                ? LoadLe<uint64_t>(command.buffer.data() + 8)
                                : command.nr;
  ASSIGN_OR_RETURN(const int unfilled, Run(dimm, command));
  RETURN_IF_ERROR(dimm.TestVerdict(function));
  const auto& controls = dimm.source().test_controls;
  const int told = controls == nullptr ? 0 : controls->CodeFor(function);
  return told == 0 ? unfilled : told;
}

}  // namespace nvdimmfs::core
