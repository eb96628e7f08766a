// SPDX-License-Identifier: Apache-2.0
#include "core/sources/test_controls.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/endian.h"
#include "core/base/status.h"
#include "core/commands/bus_command_format.h"
#include "core/intel/format.h"

namespace nvdimmfs::core {

int TestControls::CodeFor(uint64_t function) const {
  if (function >= 64 || (failing.load() >> function & 1) == 0) return 0;
  const int told = code.load();
  return told == 0 ? -EIO : told;
}

absl::Status TestControls::Verdict(uint64_t function) const {
  const int result = CodeFor(function);
  if (result >= 0) return absl::OkStatus();
  return Refusal(-result, "dimm.test.fails",
                 absl::StrCat("function ", function, " is made to fail by fail_cmd of test_dimm",
                              number, "; write 0 there to end it"));
}

absl::Status CheckCallOfTestDimm(uint64_t function, absl::Span<const std::byte> in, uint64_t size) {
  constexpr uint64_t kStatus = sizeof(le32);
  constexpr struct {
    intel::Function function;
    uint64_t size;
    bool exact = false;
  } kStructures[] = {
      {intel::kSmart, sizeof(intel::SmartOutput)},
      {intel::kSmartThreshold, sizeof(intel::ThresholdOutput)},
      {intel::kEnableLatch, sizeof(intel::LatchInput) + kStatus},
      {intel::kFirmwareInfo, sizeof(intel::FirmwareInfoOutput)},
      {intel::kFirmwareStart, sizeof(intel::FirmwareStartOutput)},
      {intel::kFirmwareSend, sizeof(intel::FirmwareSendInput)},
      {intel::kFirmwareFinish, sizeof(intel::FirmwareFinishInput) + kStatus},
      {intel::kFirmwareQuery,
       sizeof(intel::FirmwareQueryInput) + sizeof(intel::FirmwareQueryOutput)},
      {intel::kSetThreshold, sizeof(intel::Thresholds) + kStatus},
      {intel::kInjectSmart, sizeof(intel::InjectInput) + kStatus, true},
  };
  constexpr std::byte kLastFinishFlag{1};
  for (const auto& structure : kStructures)
    if (structure.function == function &&
        (size < structure.size || (structure.exact && size != structure.size)))
      return Refusal(EINVAL, "command.buffer",
                     absl::StrCat("function ", function, " takes ", structure.size,
                                  " bytes of input and output, not ", size));
  if (function == intel::kFirmwareFinish && !in.empty() && in[0] > kLastFinishFlag)
    return Refusal(EINVAL, "command.value", "the flag of function 15 is 0 (finish) or 1 (abort)");
  return absl::OkStatus();
}

absl::Status CheckCallOfTestBus(uint64_t function, absl::Span<const std::byte> in, uint64_t size) {
  constexpr uint64_t kLengthAt = sizeof(le64), kStatus = sizeof(le32);
  uint64_t structure = kStatus;
  if (function == kInjectErrors) {
    structure += sizeof(InjectErrorsIn);
  } else if (function == kWithdrawErrors) {
    structure += sizeof(WithdrawErrorsIn);
  } else {
    return absl::OkStatus();
  }
  if (size != structure || in.size() != structure - kStatus)
    return Refusal(EINVAL, "command.buffer",
                   absl::StrCat("function ", function, " takes ", structure,
                                " bytes of input and output, not ", size));
  if (LoadLe<uint64_t>(in.data() + kLengthAt) == 0)
    return Refusal(EINVAL, "command.value",
                   absl::StrCat("function ", function, ": the range is empty"));
  return absl::OkStatus();
}

absl::Status TestLabels::Stored(const absl::Status& status) const {
  return status.ok() ? controls_->Verdict(intel::kSetLabels) : status;
}

absl::Status TestLabels::Read(uint64_t offset, absl::Span<std::byte> out) const {
  const absl::Status status = MemoryMedia::Read(offset, out);
  return status.ok() ? controls_->Verdict(intel::kGetLabels) : status;
}

absl::Status TestLabels::Write(uint64_t offset, absl::Span<const std::byte> data) {
  return Stored(MemoryMedia::Write(offset, data));
}

absl::Status TestLabels::Store32(uint64_t offset, uint32_t value) {
  return Stored(MemoryMedia::Store32(offset, value));
}

absl::Status TestLabels::Store64(uint64_t offset, uint64_t value) {
  return Stored(MemoryMedia::Store64(offset, value));
}

absl::Status TestLabels::Punch(uint64_t offset, uint64_t length) {
  return Stored(MemoryMedia::Punch(offset, length));
}

}  // namespace nvdimmfs::core
