// SPDX-License-Identifier: Apache-2.0
#include "core/model/driver.h"

#include "absl/strings/str_cat.h"
#include "core/model/bus_type.h"

namespace nvdimmfs::core {

Driver::Driver(BusType& bus, const Operations& operations, const DeviceKind& kind)
    : Device(bus.engine(), kind, std::string(operations.name), nullptr),
      bus_(bus),
      operations_(operations) {}

std::string Driver::WhereToLook() const {
  return absl::StrCat("see ", bus_.place(), "/devices and ", bus_.place(), "/drivers");
}

std::string Driver::place() const { return absl::StrCat(bus_.place(), "/drivers/", name()); }

std::vector<DeviceLink> Driver::inner_links() const {
  return {{"module", absl::StrCat("module/", operations_.module)}};
}

const Driver* FindDriver(const BusType& bus, absl::string_view name) {
  for (const auto& driver : bus.drivers())
    if (driver->name() == name) return driver.get();
  return nullptr;
}

}  // namespace nvdimmfs::core
