// SPDX-License-Identifier: Apache-2.0
#include "core/system/nd_drivers.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/bus_attributes.h"
#include "core/model/driver.h"
#include "core/model/engine.h"
#include "core/nd/dimm.h"
#include "core/nd/nd_kind.h"
#include "core/nd/pmem_driver.h"
#include "core/nd/region_driver.h"
#include "core/services/dimm_security.h"

namespace nvdimmfs::core {
namespace {

template <const DeviceKind&... kinds>
bool IsOneOf(const Device& device) {
  return ((device.kind() == kinds) || ...);
}

absl::Status ProbeBus(Device&) { return absl::OkStatus(); }
void RemoveBus(Device&) {}

absl::Status ProbeDimm(Device& device) {
  Dimm& dimm = static_cast<Dimm&>(device);
  RETURN_IF_ERROR(dimm.CheckPresent());
  // A DIMM that stays locked is enabled nevertheless; its namespaces are not.
  if (const absl::Status unlocked = UnlockDimm(dimm); !unlocked.ok())
    dimm.engine().RecordRefusal(dimm, absl::StrCat("enable ", dimm.name()), unlocked);
  return dimm.Probe();
}
void RemoveDimm(Device& device) { static_cast<Dimm&>(device).Remove(); }

constexpr Driver::Operations kDrivers[] = {
    {.name = "nd_bus",
     .module = "libnvdimm",
     .by_hand = false,
     .matches = IsOneOf<NdKind::kBus>,
     .probe = ProbeBus,
     .remove = RemoveBus,
     .attributes = kDriverAttributes},
    {.name = "nvdimm",
     .module = "libnvdimm",
     .by_hand = true,
     .matches = IsOneOf<NdKind::kDimm>,
     .probe = ProbeDimm,
     .remove = RemoveDimm,
     .attributes = kDriverAttributes},
    {.name = "nd_region",
     .module = "libnvdimm",
     .by_hand = true,
     .matches = IsOneOf<NdKind::kRegion>,
     .probe = ProbeRegion,
     .remove = RemoveRegion,
     .probed = RegionProbed,
     .attributes = kDriverAttributes},
    {.name = "nd_pmem",
     .module = "nd_pmem",
     .by_hand = true,
     .matches = IsOneOf<NdKind::kNamespace, NdKind::kBtt, NdKind::kPfn>,
     .probe = ProbePmem,
     .remove = RemovePmem,
     .probed = ChildProbed,
     .attributes = kDriverAttributes},
    {.name = "dax_pmem",
     .module = "dax_pmem",
     .by_hand = true,
     .matches = IsOneOf<NdKind::kDax>,
     .probe = ProbePmem,
     .remove = RemovePmem,
     .probed = ChildProbed,
     .attributes = kDriverAttributes},
};

}  // namespace

void AddNdDrivers(NdBusType& bus) {
  for (const Driver::Operations& operations : kDrivers) {
    auto driver = std::make_shared<Driver>(bus, operations);
    bus.AddDriver(driver);
    bus.engine().Register(driver);
  }
}

}  // namespace nvdimmfs::core
