// SPDX-License-Identifier: Apache-2.0
#include "core/model/bus_attributes.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/bus_type.h"
#include "core/model/driver.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {
namespace {

Driver& AsDriver(Device& device) { return static_cast<Driver&>(device); }
BusType& AsBusType(Device& device) { return static_cast<BusType&>(device); }

// A program that bypasses this process to read or write a file cannot be stopped.
absl::Status CheckAllStoppable(absl::string_view verb, const Device& device) {
  RETURN_IF_ERROR(device.CheckStoppable(verb));
  for (const auto& child : device.children()) RETURN_IF_ERROR(CheckAllStoppable(verb, *child));
  return absl::OkStatus();
}

}  // namespace

absl::Status StoreBind(Device& device, absl::string_view text) {
  const Driver& driver = AsDriver(device);
  const absl::string_view name = WithoutNewline(text);
  Device* target = driver.bus().Find(name);
  if (target == nullptr || !driver.Matches(*target))
    return Refusal(ENODEV, "driver.no_device",
                   absl::StrCat("bind ", name, ": not a device that ", driver.name(), " drives; ",
                                driver.WhereToLook()));
  return device.engine().Bind(driver, *target);
}

absl::Status StoreUnbind(Device& device, absl::string_view text) {
  const Driver& driver = AsDriver(device);
  const absl::string_view name = WithoutNewline(text);
  Device* target = driver.bus().Find(name);
  if (target == nullptr || target->driver() != &driver)
    return Refusal(ENODEV, "driver.not_bound",
                   absl::StrCat("unbind ", name, ": not bound to ", driver.name()));
  if (const absl::Status status = CheckAllStoppable(absl::StrCat("unbind ", name), *target);
      !status.ok()) {
    device.engine().RecordRefusal(*target, driver.name(), status);
    return status;
  }
  device.engine().Unbind(*target);
  return absl::OkStatus();
}

uint16_t ByHandMode(const Device& device) {
  return static_cast<const Driver&>(device).operations().by_hand ? 0200 : 0;
}

absl::StatusOr<std::string> ShowAutoprobe(Device& device) {
  return std::string(AsBusType(device).autoprobe() ? "1\n" : "0\n");
}

// Anything that does not start with a zero means yes.
absl::Status StoreAutoprobe(Device& device, absl::string_view text) {
  AsBusType(device).set_autoprobe(text.empty() || text[0] != '0');
  return absl::OkStatus();
}

absl::Status StoreProbe(Device& device, absl::string_view text) {
  const BusType& bus = AsBusType(device);
  const absl::string_view name = WithoutNewline(text);
  Device* target = bus.Find(name);
  if (target == nullptr)
    return Refusal(ENODEV, "driver.no_device",
                   absl::StrCat("probe ", name, ": no such device; see ", bus.place(), "/devices"));
  device.engine().Probe(*target);
  return absl::OkStatus();
}

}  // namespace nvdimmfs::core
