// SPDX-License-Identifier: Apache-2.0
#include "core/intel/health.h"

namespace nvdimmfs::core::intel {
namespace {

// Bit 15 is the sign, the rest the magnitude.
int Sixteenths(uint16_t temperature) {
  const int amount = temperature & 0x7fff;
  return (temperature & 0x8000) != 0 ? -amount : amount;
}

}  // namespace

Health::Health(const HealthProfile& profile)
    : profile_(profile),
      thresholds_(profile.thresholds),
      health_(profile.health),
      spares_(profile.spares),
      media_temperature_(profile.media_temperature),
      shutdown_count_(profile.shutdown_count) {}

uint8_t Health::TrippedAlarms() const {
  uint8_t tripped = 0;
  if (spares_ <= thresholds_.spares) tripped |= kSparesAlarm;
  if (Sixteenths(media_temperature_) >= Sixteenths(thresholds_.media_temperature))
    tripped |= kMediaAlarm;
  if (Sixteenths(profile_.controller_temperature) >= Sixteenths(thresholds_.controller_temperature))
    tripped |= kControllerAlarm;
  return static_cast<uint8_t>(tripped & thresholds_.enabled);
}

SmartOutput Health::Smart() const {
  SmartOutput smart = {};
  smart.flags = kHealthValid | kSparesValid | kLifeUsedValid | kMediaTemperatureValid |
                kControllerTemperatureValid | kShutdownCountValid | kAlarmValid |
                kShutdownStateValid;
  smart.health = health_;
  smart.spares = spares_;
  smart.life_used = profile_.life_used;
  smart.alarms = static_cast<uint8_t>(profile_.alarms | TrippedAlarms());
  smart.media_temperature = media_temperature_;
  smart.controller_temperature = profile_.controller_temperature;
  smart.shutdown_count = shutdown_count_;
  smart.ait_status = profile_.ait_status;
  smart.pmic_temperature = profile_.pmic_temperature;
  smart.shutdown_state = unsafe_shutdown_ ? 1 : 0;
  return smart;
}

void Health::Inject(const InjectInput& input) {
  const uint64_t which = input.flags;
  if (which & kInjectMediaTemperature)
    media_temperature_ = input.media_temperature_enable != 0
                             ? static_cast<uint16_t>(input.media_temperature)
                             : profile_.media_temperature;
  if (which & kInjectSpares) spares_ = input.spares_enable != 0 ? input.spares : profile_.spares;
  if (which & kInjectFatal)
    health_ = input.fatal_enable != 0 ? static_cast<uint8_t>(kFatal) : profile_.health;
  if (which & kInjectUnsafeShutdown) {
    if (input.unsafe_shutdown_enable != 0)
      CountUnsafeShutdown();
    else
      unsafe_shutdown_ = false;
  }
}

void Health::CountUnsafeShutdown() {
  if (shutdown_count_ != UINT32_MAX) ++shutdown_count_;
  unsafe_shutdown_ = true;
}

bool Health::HasEvent() const {
  return TrippedAlarms() != 0 || health_ != profile_.health || unsafe_shutdown_;
}

}  // namespace nvdimmfs::core::intel
