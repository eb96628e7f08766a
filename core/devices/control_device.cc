#include "core/devices/control_device.h"

#include "absl/strings/str_cat.h"
#include "core/devices/bus.h"
#include "core/devices/bus_commands.h"
#include "core/devices/system.h"

namespace nvdimmfs::core {
namespace {

uint32_t MajorOf(const Device& device) { return device.system().numbers().control; }

absl::StatusOr<std::string> ShowDev(Device& device) {
  return absl::StrCat(MajorOf(device), ":", static_cast<ControlDevice&>(device).id(), "\n");
}

constexpr Attribute kControlAttributes[] = {
    {.name = "dev", .show = ShowDev, .summary = "major:minor of /dev/ndctlN"},
    kUeventAttribute,
    CommandAttribute(RunBusCommand),
};

}  // namespace

ControlDevice::ControlDevice(System& system, Bus& bus)
    : Device(system, DeviceKind::kControl, absl::StrCat("ndctl", bus.id()), &bus), id_(bus.id()) {}

std::string ControlDevice::place() const { return absl::StrCat("nd/", name()); }

absl::Span<const Attribute> ControlDevice::attributes() const { return kControlAttributes; }

std::vector<DeviceLink> ControlDevice::inner_links() const {
  return {{"subsystem", "class/nd"}, {"device", parent()->path()}};
}

std::vector<DeviceLink> ControlDevice::links() const {
  return {{absl::StrCat("class/nd/", name()), path()}};
}

std::optional<DeviceLink> ControlDevice::node_link() const {
  return DeviceLink{absl::StrCat("sys/dev/char/", MajorOf(*this), ":", id_), path()};
}

std::string ControlDevice::uevent() const {
  return absl::StrCat("MAJOR=", MajorOf(*this), "\nMINOR=", id_, "\nDEVNAME=", name(), "\n");
}

}  // namespace nvdimmfs::core
