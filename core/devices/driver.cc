#include "core/devices/driver.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/devices/bus_attributes.h"
#include "core/devices/disk.h"
#include "core/devices/system.h"

namespace nvdimmfs::core {
namespace {

Driver& AsDriver(Device& device) { return static_cast<Driver&>(device); }

absl::Status NoSuchDevice(absl::string_view verb, absl::string_view name, const Driver& driver) {
  return Refusal(ENODEV, "driver.no_device",
                 absl::StrCat(verb, " ", name, ": not a device that ", driver.name(),
                              " drives; see bus/nd/devices and bus/nd/drivers"));
}

absl::Status StoreBind(Device& device, absl::string_view text) {
  const Driver& driver = AsDriver(device);
  const absl::string_view name = WithoutNewline(text);
  Device* target = device.system().FindLocked(name);
  if (target == nullptr || !driver.operations().matches(*target))
    return NoSuchDevice("bind", name, driver);
  return device.system().Bind(driver, *target);
}

// What reads or writes a disk's file without asking here cannot be stopped.
absl::Status EndLending(absl::string_view verb, const Device& device) {
  if (device.kind() == DeviceKind::kBlock && !static_cast<const Disk&>(device).node().StopLending())
    return Refusal(EBUSY, "data.on_loan",
                   absl::StrCat(verb, ": dev/", device.name(),
                                " is open by kernel passthrough, which cannot be taken back; "
                                "close it first, or mount with -o passthrough=off"));
  for (const auto& child : device.children()) RETURN_IF_ERROR(EndLending(verb, *child));
  return absl::OkStatus();
}

absl::Status StoreUnbind(Device& device, absl::string_view text) {
  const Driver& driver = AsDriver(device);
  const absl::string_view name = WithoutNewline(text);
  Device* target = device.system().FindLocked(name);
  if (target == nullptr || target->driver() != &driver)
    return Refusal(ENODEV, "driver.not_bound",
                   absl::StrCat("unbind ", name, ": not bound to ", driver.name()));
  if (const absl::Status status = EndLending(absl::StrCat("unbind ", name), *target);
      !status.ok()) {
    device.system().RecordRefusal(*target, driver.name(), status);
    return status;
  }
  device.system().Unbind(*target);
  return absl::OkStatus();
}

uint16_t ByHand(const Device& device) {
  return static_cast<const Driver&>(device).operations().by_hand ? 0200 : 0;
}

constexpr Attribute kDriverAttributes[] = {
    {.name = "bind",
     .mode = 0200,
     .store = StoreBind,
     .visible = ByHand,
     .summary = "a device's name: give it to this driver"},
    {.name = "unbind",
     .mode = 0200,
     .store = StoreUnbind,
     .visible = ByHand,
     .summary = "a device's name: take it from this driver"},
    kUeventTriggerAttribute,
};

}  // namespace

Driver::Driver(System& system, const Operations& operations)
    : Device(system, DeviceKind::kDriver, std::string(operations.name), nullptr),
      operations_(operations) {}

std::string Driver::place() const { return absl::StrCat("bus/nd/drivers/", name()); }

absl::Span<const Attribute> Driver::attributes() const { return kDriverAttributes; }

std::vector<DeviceLink> Driver::inner_links() const {
  return {{"module", absl::StrCat("module/", operations_.module)}};
}

}  // namespace nvdimmfs::core
