// SPDX-License-Identifier: Apache-2.0
#include "core/dax/dax_drivers.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/dax/dax_instance.h"
#include "core/dax/dax_kind.h"
#include "core/model/bus_attributes.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {
namespace {

DaxDriver& AsDriver(Device& device) { return static_cast<DaxDriver&>(device); }
DaxInstance& AsInstance(Device& device) { return static_cast<DaxInstance&>(device); }

absl::Status StoreNewId(Device& device, absl::string_view text) {
  return AsDriver(device).AddId(text);
}
absl::Status StoreRemoveId(Device& device, absl::string_view text) {
  return AsDriver(device).RemoveId(text);
}

constexpr Attribute kAttributes[] = {
    kBindAttribute,
    {.name = "new_id",
     .mode = 0200,
     .store = StoreNewId,
     .summary = "allows the device for this driver, and binds it if it is unbound",
     .grammar = Grammar::kDevice,
     .refusals = "driver.id"},
    {.name = "remove_id",
     .mode = 0200,
     .store = StoreRemoveId,
     .summary = "no longer allows the device for this driver",
     .grammar = Grammar::kDevice,
     .refusals = "driver.id"},
    kUeventTriggerAttribute,
    kUnbindAttribute,
};

constexpr Driver::Operations kDeviceDax = {
    .name = "device_dax",
    .module = "device_dax",
    .by_hand = true,
    .matches = nullptr,
    .probe = [](Device& device) { return AsInstance(device).Open(); },
    .remove = [](Device& device) { AsInstance(device).Close(); },
    .attributes = kAttributes};
constexpr Driver::Operations kKmem = {
    .name = "kmem",
    .module = "kmem",
    .by_hand = true,
    .matches = nullptr,
    .probe = [](Device& device) { return AsInstance(device).AddToMemory(); },
    .remove = [](Device& device) { AsInstance(device).RemoveFromMemory(); },
    .attributes = kAttributes};

// The memory is for famfs, which cannot be mounted here, so there is no file for its bytes.
constexpr Driver::Operations kFsdevDax = {.name = "fsdev_dax",
                                          .module = kFsdevDaxModule,
                                          .by_hand = true,
                                          .matches = nullptr,
                                          .probe = [](Device&) { return absl::OkStatus(); },
                                          .remove = [](Device&) {},
                                          .attributes = kAttributes};

// A number as the kernel itself prints it: no sign, no leading zeros.
bool IsPlainNumber(absl::string_view text) {
  return !text.empty() && text.size() <= 9 && (text == "0" || text[0] != '0') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

absl::StatusOr<std::string> ParseId(absl::string_view text) {
  const absl::string_view name = WithoutNewline(text);
  const size_t dot = name.find('.');
  if (name.substr(0, 3) == "dax" && dot != absl::string_view::npos &&
      IsPlainNumber(name.substr(3, dot - 3)) && IsPlainNumber(name.substr(dot + 1)))
    return std::string(name);
  return Refusal(EINVAL, "driver.id",
                 absl::StrCat("\"", name, "\" is not the name of a dax device, such as dax0.1"));
}

}  // namespace

DaxDriver::DaxDriver(DaxBus& bus, const Operations& operations, bool takes_all)
    : Driver(bus, operations, DaxKind::kDriver), takes_all_(takes_all) {}

absl::Span<const Attribute> DaxDriver::Table() { return kAttributes; }

bool DaxDriver::Matches(const Device& device) const {
  engine().AssertLocked();
  return takes_all_ || ids_.count(device.name()) != 0;
}

std::string DaxDriver::WhereToLook() const {
  return absl::StrCat("see ", bus().place(), "/devices",
                      takes_all_ ? "" : ", and write it to new_id");
}

absl::Status DaxDriver::AddId(absl::string_view text) {
  engine().AssertLocked();
  ASSIGN_OR_RETURN(std::string name, ParseId(text));
  ids_.insert(std::move(name));
  // Every unbound device on the list is tried; one that refuses stays unbound.
  for (Device* instance : bus().devices())
    if (instance->driver() == nullptr && Matches(*instance))
      engine().Bind(*this, *instance).IgnoreError();
  return absl::OkStatus();
}

absl::Status DaxDriver::RemoveId(absl::string_view text) {
  engine().AssertLocked();
  ASSIGN_OR_RETURN(const std::string name, ParseId(text));
  ids_.erase(name);
  return absl::OkStatus();
}

void AddDaxDrivers(DaxBus& bus) {
  const auto add = [&bus](const Driver::Operations& operations, bool takes_all) {
    const auto driver = std::make_shared<DaxDriver>(bus, operations, takes_all);
    bus.AddDriver(driver);
    bus.engine().Register(driver);
  };
  add(kDeviceDax, true);
  add(kKmem, false);
  if (HasFsdevDax(bus.engine().kernel())) add(kFsdevDax, false);
}

}  // namespace nvdimmfs::core
