// SPDX-License-Identifier: Apache-2.0
#include "core/nd/nd_device.h"

#include "absl/strings/str_cat.h"
#include "core/model/driver.h"

namespace nvdimmfs::core {

std::string NdDevice::uevent() const {
  std::string text;
  if (!devtype().empty()) absl::StrAppend(&text, "DEVTYPE=", devtype(), "\n");
  if (driver() != nullptr) absl::StrAppend(&text, "DRIVER=", driver()->name(), "\n");
  absl::StrAppend(&text, "MODALIAS=", modalias(), "\n");
  return text;
}

std::vector<DeviceLink> NdDevice::links() const {
  return {{absl::StrCat("bus/nd/devices/", name()), path()}};
}

absl::StatusOr<std::string> ShowModalias(Device& device) {
  return absl::StrCat(static_cast<NdDevice&>(device).modalias(), "\n");
}

absl::StatusOr<std::string> ShowDevtype(Device& device) {
  return absl::StrCat(static_cast<NdDevice&>(device).devtype(), "\n");
}

}  // namespace nvdimmfs::core
