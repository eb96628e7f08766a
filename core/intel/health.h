// SPDX-License-Identifier: Apache-2.0
// A DIMM's health: what SMART reports, the thresholds that raise alarms, and injected errors.
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_INTEL_HEALTH_H_
#define NVDIMMFS_CORE_INTEL_HEALTH_H_

#include "core/intel/format.h"

namespace nvdimmfs::core::intel {

// The defaults are those of a healthy DIMM: no alarms, nothing used up.
struct HealthProfile {
  uint8_t health = 0;
  uint8_t spares = 100;                  // percent
  uint8_t life_used = 0;                 // percent
  uint8_t alarms = 0;                    // shown as tripped, whatever the thresholds say
  uint16_t media_temperature = 30 * 16;  // 1/16 degree C
  uint16_t controller_temperature = 35 * 16;
  uint16_t pmic_temperature = 40 * 16;
  uint8_t ait_status = 1;
  uint32_t shutdown_count = 0;
  Thresholds thresholds = {.enabled = kSparesAlarm | kMediaAlarm,
                           .spares = 5,
                           .media_temperature = 82 * 16,
                           .controller_temperature = 98 * 16};
};

class Health {
 public:
  explicit Health(const HealthProfile& profile);

  SmartOutput Smart() const;
  const Thresholds& thresholds() const { return thresholds_; }
  void set_thresholds(const Thresholds& thresholds) { thresholds_ = thresholds; }

  // Sets the values that `input` enables and restores those that it disables.
  void Inject(const InjectInput& input);

  // Records an unsafe shutdown: counts it, and marks the last shutdown as unsafe.
  void CountUnsafeShutdown();
  uint32_t shutdown_count() const { return shutdown_count_; }
  void set_shutdown_count(uint32_t count) { shutdown_count_ = count; }
  bool shutdown_was_unsafe() const { return unsafe_shutdown_; }

  // Whether the user should be notified: an enabled alarm has tripped, the health has changed, or
  // the last shutdown was unsafe.
  bool HasEvent() const;

 private:
  uint8_t TrippedAlarms() const;

  HealthProfile profile_;
  Thresholds thresholds_;
  uint8_t health_;
  uint8_t spares_;
  uint16_t media_temperature_;
  uint32_t shutdown_count_;
  bool unsafe_shutdown_ = false;
};

}  // namespace nvdimmfs::core::intel

#endif  // NVDIMMFS_CORE_INTEL_HEALTH_H_
