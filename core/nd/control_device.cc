// SPDX-License-Identifier: Apache-2.0
#include "core/nd/control_device.h"

#include "absl/strings/str_cat.h"
#include "core/model/engine.h"
#include "core/nd/nd_kind.h"
#include "core/nd/nd_numbers.h"

namespace nvdimmfs::core {

ControlDevice::ControlDevice(Device& bus, int id)
    : Device(bus.engine(), NdKind::kControl, absl::StrCat("ndctl", id), &bus), id_(id) {}

DeviceNumber ControlDevice::number() const {
  return {engine().numbers()[kControlMajor], static_cast<uint32_t>(id_)};
}

std::string ControlDevice::place() const { return absl::StrCat("nd/", name()); }

std::vector<DeviceLink> ControlDevice::inner_links() const {
  return {{"subsystem", "class/nd"}, {"device", parent()->path()}};
}

std::vector<DeviceLink> ControlDevice::links() const {
  return {{absl::StrCat("class/nd/", name()), path()}};
}

std::optional<DeviceLink> ControlDevice::node_link() const {
  return DeviceLink{absl::StrCat("sys/dev/char/", number().ToString()), path()};
}

std::string ControlDevice::uevent() const {
  return absl::StrCat(number().Variables(), "DEVNAME=", name(), "\n");
}

}  // namespace nvdimmfs::core
