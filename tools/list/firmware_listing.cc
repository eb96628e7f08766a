// SPDX-License-Identifier: Apache-2.0
#include "tools/list/firmware_listing.h"

#include <algorithm>

#include "core/intel/firmware.h"
#include "core/nd/dimm.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::tools {
namespace {

using core::intel::Firmware;

// Null if the DIMM has no firmware, or none that is reachable through the platform's tables.
Firmware* FirmwareOf(const core::DeviceView& view) {
  const auto& dimm = static_cast<const core::Dimm&>(view.device());
  return dimm.has_nfit() ? dimm.firmware() : nullptr;
}

// Degrees Celsius, from sixteenths with a separate sign.
double Celsius(uint16_t sixteenths) {
  constexpr uint16_t kSign = 0x8000;
  const double degrees = (sixteenths & ~kSign & 0xffff) / 16.0;
  return (sixteenths & kSign) != 0 ? -degrees : degrees;
}

const char* HealthWord(uint8_t health) {
  if ((health & core::intel::kFatal) != 0) return "fatal";
  if ((health & core::intel::kCritical) != 0) return "critical";
  return (health & core::intel::kNonCritical) != 0 ? "non-critical" : "ok";
}

void AddThresholds(const core::intel::Thresholds& thresholds, core::Json& json) {
  const auto enabled = [&](core::intel::Alarm alarm) { return (thresholds.enabled & alarm) != 0; };
  json["alarm_enabled_media_temperature"] = enabled(core::intel::kMediaAlarm);
  if (enabled(core::intel::kMediaAlarm))
    json["temperature_threshold"] = Celsius(thresholds.media_temperature);
  json["alarm_enabled_ctrl_temperature"] = enabled(core::intel::kControllerAlarm);
  if (enabled(core::intel::kControllerAlarm))
    json["controller_temperature_threshold"] = Celsius(thresholds.controller_temperature);
  json["alarm_enabled_spares"] = enabled(core::intel::kSparesAlarm);
  if (enabled(core::intel::kSparesAlarm)) json["spares_threshold"] = thresholds.spares;
}

bool CanUpdate(const core::DeviceView& dimm) {
  const Firmware* firmware = FirmwareOf(dimm);
  return firmware != nullptr && (~firmware->functions() & core::intel::kUpdateBits) == 0;
}

}  // namespace

core::Json HealthJson(const core::DeviceView& dimm) {
  const Firmware* firmware = FirmwareOf(dimm);
  if (firmware == nullptr || !firmware->has(core::intel::kSmart)) return nullptr;
  const core::intel::SmartOutput smart = firmware->health().Smart();
  core::Json json;
  json["health_state"] = HealthWord(smart.health);
  json["temperature_celsius"] = Celsius(smart.media_temperature);
  json["controller_temperature_celsius"] = Celsius(smart.controller_temperature);
  json["spares_percentage"] = smart.spares;
  json["alarm_temperature"] = (smart.alarms & core::intel::kMediaAlarm) != 0;
  json["alarm_controller_temperature"] = (smart.alarms & core::intel::kControllerAlarm) != 0;
  json["alarm_spares"] = (smart.alarms & core::intel::kSparesAlarm) != 0;
  if (firmware->has(core::intel::kSmartThreshold))
    AddThresholds(firmware->health().thresholds(), json);
  json["life_used_percentage"] = smart.life_used;
  json["shutdown_state"] = smart.shutdown_state != 0 ? "dirty" : "clean";
  json["shutdown_count"] = static_cast<uint32_t>(smart.shutdown_count);
  return json;
}

core::Json FirmwareJson(const core::DeviceView& dimm, const core::NumberFormat& format) {
  Firmware* firmware = FirmwareOf(dimm);
  if (firmware == nullptr || !firmware->has(core::intel::kFirmwareInfo)) return nullptr;
  const core::intel::FirmwareInfoOutput info = firmware->update().Info(firmware->now());
  core::Json json;
  json["current_version"] = format.Hex(info.running_version);
  json["can_update"] = CanUpdate(dimm);
  if (info.staged_version == 0) return json;
  json["next_version"] = format.Hex(info.staged_version);
  const std::string state = dimm.Text("firmware/activate").value_or("");
  if (!state.empty()) json["activate_state"] = state;
  const std::string result = dimm.Text("firmware/result").value_or("");
  if (result != "none" && result != "success" && result != "not_staged")
    json["need_powercycle"] = true;
  return json;
}

core::Json ActivationJson(const core::DeviceView& bus) {
  const auto dimms = bus.Children(core::NdKind::kDimm);
  if (std::none_of(dimms.begin(), dimms.end(), CanUpdate)) return nullptr;
  const std::string capability = bus.Text("firmware/capability").value_or("");
  const std::string state = bus.Text("firmware/activate").value_or("");
  core::Json json;
  json["activate_method"] = capability == "quiesce" ? "suspend"
                            : capability == "live"  ? "live"
                                                    : "reset";
  if (state == "armed" || state == "idle" || state == "overflow") json["activate_state"] = state;
  return json;
}

}  // namespace nvdimmfs::tools
