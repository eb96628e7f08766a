// SPDX-License-Identifier: Apache-2.0
#include "core/nd/region_driver.h"

#include <cerrno>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/model/engine.h"
#include "core/nd/claim_factory.h"
#include "core/nd/namespace.h"
#include "core/nd/nd_kind.h"
#include "core/nd/region.h"

namespace nvdimmfs::core {
namespace {

absl::Status CheckDimms(const Region& region) {
  for (const Mapping& mapping : region.mappings()) {
    const Dimm& dimm = *mapping.dimm;
    if (dimm.source().missing)
      return Refusal(ENODEV, "region.dimm_missing",
                     absl::StrCat("enable ", region.name(), ": a part of its bytes is on ",
                                  dimm.name(), ", and ", dimm.source().description, " is missing"));
    if (dimm.overwriting())
      return Refusal(EBUSY, "dimm.overwriting",
                     absl::StrCat("enable ", region.name(), ": ", dimm.name(),
                                  " is being overwritten; wait for it"));
    if (dimm.driver() == nullptr && (dimm.locked() || dimm.label_flag()))
      return Refusal(ENXIO, "region.dimm_unbound",
                     absl::StrCat("enable ", region.name(), ": ", dimm.name(),
                                  " is not bound to its driver, so its labels cannot be read; "
                                  "bind it first: echo ",
                                  dimm.name(), " > bus/nd/drivers/nvdimm/bind"));
  }
  return absl::OkStatus();
}

void CreateNamespaceSeed(Region& region) {
  // The single label-less namespace always stays the seed.
  const Namespace* seed = NamespaceSeedOf(region);
  if (seed == nullptr || !seed->labelled()) return;
  const std::shared_ptr<Namespace> next = Namespace::MakeEmpty(region);
  region.set_seed(*next);
  region.engine().Register(next);
  region.engine().AutoProbe(*next);
}

void CreateClaimSeed(Region& region, const DeviceKind& kind) {
  region.set_seed(*AddClaimDevice(region, kind));
}

absl::Status MakeLabelledNamespaces(Region& region) {
  ASSIGN_OR_RETURN(const std::vector<ScannedNamespace> namespaces, region.ScanLabels());
  for (const ScannedNamespace& found : namespaces)
    region.engine().Register(Namespace::MakeScanned(region, found));
  if (namespaces.empty()) region.engine().Register(Namespace::MakeEmpty(region));
  return absl::OkStatus();
}

}  // namespace

absl::Status ProbeRegion(Device& device) {
  Region& region = static_cast<Region&>(device);
  RETURN_IF_ERROR(CheckDimms(region));
  region.TakeLabelData();
  if (region.nstype() == 5) {
    const absl::Status status = MakeLabelledNamespaces(region);
    if (!status.ok()) {
      region.DropLabelData();
      return status;
    }
  } else {
    region.engine().Register(Namespace::MakeWhole(region));
  }
  for (const Mapping& mapping : region.mappings())
    mapping.dimm->AddRegion(/*with_labels=*/mapping.data != nullptr);
  const std::vector<Namespace*> namespaces = NamespacesOf(region);
  region.set_init_namespaces(static_cast<int>(namespaces.size()));
  region.set_seed(*namespaces.front());
  CreateClaimSeed(region, NdKind::kBtt);
  CreateClaimSeed(region, NdKind::kPfn);
  CreateClaimSeed(region, NdKind::kDax);
  return absl::OkStatus();
}

void RegionProbed(Device& device, const absl::Status& status) {
  if (!status.ok()) return;
  for (Namespace* ns : NamespacesOf(static_cast<Region&>(device))) device.engine().AutoProbe(*ns);
}

void RemoveRegion(Device& device) {
  Region& region = static_cast<Region&>(device);
  // Seeds first, so that changes to children below do not advance them.
  region.ForgetSeeds();
  // Claim devices before the namespaces that they claim.
  std::vector<ClaimDevice*> claims = ClaimDevicesOf(region);
  for (; !claims.empty(); claims.pop_back()) region.engine().Unregister(*claims.back());
  while (!region.children().empty()) region.engine().Unregister(*region.children().back());
  for (const Mapping& mapping : region.mappings())
    mapping.dimm->DropRegion(/*with_labels=*/mapping.data != nullptr);
  region.DropLabelData();
}

void ChildProbed(Device& child, const absl::Status& status) {
  if (!status.ok() && ErrnoOf(status) != EOPNOTSUPP) return;
  Region& region = static_cast<Region&>(*child.parent());
  const bool is_seed = region.seed(child.kind()) == &child;
  if (child.kind() == NdKind::kNamespace) {
    if (is_seed) CreateNamespaceSeed(region);
    return;
  }
  const ClaimDevice& claim = static_cast<ClaimDevice&>(child);
  if (is_seed) CreateClaimSeed(region, claim.kind());
  if (claim.ns() != nullptr && claim.ns() == NamespaceSeedOf(region)) CreateNamespaceSeed(region);
}

}  // namespace nvdimmfs::core
