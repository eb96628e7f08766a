// The five drivers of the nd bus: which devices each matches, and what binding does.
#include "core/devices/bus.h"
#include "core/devices/claim_device.h"
#include "core/devices/dimm.h"
#include "core/devices/driver.h"
#include "core/devices/namespace.h"
#include "core/devices/region.h"

namespace nvdimmfs::core {
namespace {

template <DeviceKind... kinds>
bool IsOneOf(const Device& device) {
  return ((device.kind() == kinds) || ...);
}

absl::Status ProbeBus(Device&) { return absl::OkStatus(); }
void RemoveBus(Device&) {}

absl::Status ProbeDimm(Device& device) { return static_cast<Dimm&>(device).Probe(); }
void RemoveDimm(Device& device) { static_cast<Dimm&>(device).Remove(); }

absl::Status ProbeRegion(Device& device) { return static_cast<Region&>(device).Probe(); }
void RemoveRegion(Device& device) { static_cast<Region&>(device).Remove(); }

// Only once the region counts as bound are its children offered to their driver.
void RegionProbed(Device& device, const absl::Status& status) {
  if (status.ok()) static_cast<Region&>(device).ProbeNamespaces();
}

absl::Status ProbePmem(Device& device) {
  if (device.kind() == DeviceKind::kNamespace) return static_cast<Namespace&>(device).Probe();
  return static_cast<ClaimDevice&>(device).Probe();
}

void RemovePmem(Device& device) {
  if (device.kind() == DeviceKind::kNamespace)
    static_cast<Namespace&>(device).Remove();
  else
    static_cast<ClaimDevice&>(device).Remove();
}

void ChildProbed(Device& device, const absl::Status& status) {
  static_cast<Region&>(*device.parent()).ChildProbed(device, status);
}

constexpr Driver::Operations kDrivers[] = {
    {.name = "nd_bus",
     .module = "libnvdimm",
     .by_hand = false,
     .matches = IsOneOf<DeviceKind::kBus>,
     .probe = ProbeBus,
     .remove = RemoveBus,
     .probed = nullptr},
    {.name = "nvdimm",
     .module = "libnvdimm",
     .by_hand = true,
     .matches = IsOneOf<DeviceKind::kDimm>,
     .probe = ProbeDimm,
     .remove = RemoveDimm,
     .probed = nullptr},
    {.name = "nd_region",
     .module = "libnvdimm",
     .by_hand = true,
     .matches = IsOneOf<DeviceKind::kRegion>,
     .probe = ProbeRegion,
     .remove = RemoveRegion,
     .probed = RegionProbed},
    {.name = "nd_pmem",
     .module = "nd_pmem",
     .by_hand = true,
     .matches = IsOneOf<DeviceKind::kNamespace, DeviceKind::kBtt, DeviceKind::kPfn>,
     .probe = ProbePmem,
     .remove = RemovePmem,
     .probed = ChildProbed},
    {.name = "dax_pmem",
     .module = "dax_pmem",
     .by_hand = true,
     .matches = IsOneOf<DeviceKind::kDax>,
     .probe = ProbePmem,
     .remove = RemovePmem,
     .probed = ChildProbed},
};

}  // namespace

absl::Span<const Driver::Operations> NdDrivers() { return kDrivers; }

}  // namespace nvdimmfs::core
