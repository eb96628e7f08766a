// SPDX-License-Identifier: Apache-2.0
// The attributes of a bus and its drivers, which bind devices to drivers by hand.
#ifndef NVDIMMFS_CORE_MODEL_BUS_ATTRIBUTES_H_
#define NVDIMMFS_CORE_MODEL_BUS_ATTRIBUTES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/model/attribute.h"
#include "core/model/common_attributes.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

// The name written to bind, unbind or drivers_probe, without its optional final newline.
inline absl::string_view WithoutNewline(absl::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return text;
}

absl::Status StoreBind(Device& driver, absl::string_view text);
absl::Status StoreUnbind(Device& driver, absl::string_view text);
uint16_t ByHandMode(const Device& driver);
absl::StatusOr<std::string> ShowAutoprobe(Device& bus);
absl::Status StoreAutoprobe(Device& bus, absl::string_view text);
absl::Status StoreProbe(Device& bus, absl::string_view text);

inline constexpr Attribute kBindAttribute = {
    .name = "bind",
    .mode = 0200,
    .store = StoreBind,
    .visible = ByHandMode,
    .summary = "gives the device to this driver: enables it",
    .grammar = Grammar::kDevice,
    .refusals =
        "driver.no_device driver.bound bus.* btt.* claim.* dimm.* dpa.* info.* label.* labels.* "
        "media.* memory.* namespace.* region.*"};
inline constexpr Attribute kUnbindAttribute = {
    .name = "unbind",
    .mode = 0200,
    .store = StoreUnbind,
    .visible = ByHandMode,
    .summary = "takes the device from this driver: disables it",
    .grammar = Grammar::kDevice,
    .refusals = "driver.not_bound data.on_loan"};
inline constexpr Attribute kAutoprobeAttribute = {
    .name = "drivers_autoprobe",
    .mode = 0644,
    .show = ShowAutoprobe,
    .store = StoreAutoprobe,
    .summary = "1: a new device is given to its driver at once",
    .grammar = "0 | 1; only a 0 in front means no"};
inline constexpr Attribute kProbeAttribute = {
    .name = "drivers_probe",
    .mode = 0200,
    .store = StoreProbe,
    .summary = "offers the device to the drivers that match",
    .grammar = Grammar::kDevice,
    .refusals = "driver.no_device"};

// The table of a driver that has no attributes of its own.
inline constexpr Attribute kDriverAttributes[] = {kBindAttribute, kUnbindAttribute,
                                                  kUeventTriggerAttribute};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_BUS_ATTRIBUTES_H_
