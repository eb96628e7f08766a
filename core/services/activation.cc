// SPDX-License-Identifier: Apache-2.0
#include "core/services/activation.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/nd/bus.h"
#include "core/nd/dimm.h"

namespace nvdimmfs::core {
namespace {

constexpr absl::Duration kTimeOfADimm = absl::Seconds(1);
// I/O may be quiesced for this long.
constexpr absl::Duration kLongestQuiesce = absl::Seconds(3);

enum class BusState { kIdle, kBusy, kArmed, kOverflow };

Bus& AsBus(Device& device) { return static_cast<Bus&>(device); }
Dimm& AsDimm(Device& device) { return static_cast<Dimm&>(device); }
Bus& BusOf(Dimm& dimm) { return static_cast<Bus&>(*dimm.parent()); }

absl::Duration TimeOfArmed(const Bus& bus) {
  absl::Duration time;
  for (const auto& dimm : bus.dimms())
    if (dimm->can_activate() && dimm->firmware()->update().armed()) time += kTimeOfADimm;
  return time;
}

bool IsBusy(const Bus& bus) {
  for (const auto& dimm : bus.dimms())
    if (dimm->can_activate()) return dimm->firmware()->now() < bus.activation().busy_until;
  return false;
}

BusState StateOf(const Bus& bus) {
  if (IsBusy(bus)) return BusState::kBusy;
  const absl::Duration time = TimeOfArmed(bus);
  if (time == absl::ZeroDuration()) return BusState::kIdle;
  return time > kLongestQuiesce ? BusState::kOverflow : BusState::kArmed;
}

absl::Status Busy(const Device& device) {
  return Refusal(EBUSY, "firmware.busy",
                 absl::StrCat("firmware of ", device.name(), ": an activation is in progress"));
}

}  // namespace

absl::StatusOr<std::string> ShowBusActivate(Device& device) {
  switch (StateOf(AsBus(device))) {
    case BusState::kIdle:
      return std::string("idle\n");
    case BusState::kBusy:
      return std::string("busy\n");
    case BusState::kArmed:
      return std::string("armed\n");
    case BusState::kOverflow:
      return std::string("overflow\n");
  }
  return std::string("idle\n");
}

absl::Status StoreBusActivate(Device& device, absl::string_view text) {
  Bus& bus = AsBus(device);
  if (!IsWord(text, "live") && !IsWord(text, "quiesce"))
    return Refusal(EINVAL, "firmware.word",
                   absl::StrCat("firmware/activate of ", bus.name(), ": write live or quiesce"));
  const BusState state = StateOf(bus);
  if (state == BusState::kBusy) return Busy(bus);
  if (state == BusState::kIdle)
    return Refusal(ENXIO, "firmware.idle",
                   absl::StrCat("firmware/activate of ", bus.name(),
                                ": no DIMM is armed; write arm to nmemN/firmware/activate first"));
  const absl::Duration time = TimeOfArmed(bus);
  for (const auto& dimm : bus.dimms()) {
    if (!dimm->can_activate()) continue;
    intel::Firmware& firmware = *dimm->firmware();
    if (!firmware.update().armed()) {
      firmware.update().ForgetResult();
      continue;
    }
    bus.activation().busy_until = firmware.now() + time;
    RETURN_IF_ERROR(firmware.Activate());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ShowBusCapability(Device&) { return std::string("quiesce\n"); }

absl::StatusOr<std::string> ShowNoIdle(Device& device) {
  return std::string(AsBus(device).activation().without_idle ? "Y\n" : "N\n");
}

absl::Status StoreNoIdle(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(AsBus(device).activation().without_idle,
                   ParseBool(text, device.engine().kernel()));
  return absl::OkStatus();
}

absl::StatusOr<std::string> ShowDimmActivate(Device& device) {
  Dimm& dimm = AsDimm(device);
  if (IsBusy(BusOf(dimm))) return std::string("busy\n");
  return std::string(dimm.firmware()->update().armed() ? "armed\n" : "idle\n");
}

absl::Status StoreDimmActivate(Device& device, absl::string_view text) {
  Dimm& dimm = AsDimm(device);
  const bool arm = IsWord(text, "arm");
  if (!arm && !IsWord(text, "disarm"))
    return Refusal(EINVAL, "firmware.word",
                   absl::StrCat("firmware/activate of ", dimm.name(), ": write arm or disarm"));
  if (IsBusy(BusOf(dimm))) return Busy(dimm);
  dimm.firmware()->update().set_armed(arm);
  return dimm.TestVerdict(intel::kActivateArm);
}

absl::StatusOr<std::string> ShowDimmResult(Device& device) {
  Dimm& dimm = AsDimm(device);
  if (IsBusy(BusOf(dimm))) return std::string("none\n");
  switch (dimm.firmware()->update().result()) {
    case intel::ActivateResult::kNone:
      return std::string("none\n");
    case intel::ActivateResult::kSuccess:
      return std::string("success\n");
    case intel::ActivateResult::kNotStaged:
      return std::string("not_staged\n");
  }
  return std::string("none\n");
}

}  // namespace nvdimmfs::core
