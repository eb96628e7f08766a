// SPDX-License-Identifier: Apache-2.0
#include "core/nd/claim_device.h"

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/model/driver.h"
#include "core/model/engine.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::core {
namespace {

ClaimDevice& AsClaim(Device& device) { return static_cast<ClaimDevice&>(device); }

}  // namespace

ClaimDevice::ClaimDevice(Region& region, const DeviceKind& kind, absl::string_view prefix)
    : ClaimDevice(region, kind, prefix, region.ids(kind).Take()) {}

ClaimDevice::ClaimDevice(Region& region, const DeviceKind& kind, absl::string_view prefix, int id)
    : NdDevice(region.nd(), kind, absl::StrCat(prefix, region.id(), ".", id), &region),
      region_(region),
      id_(id) {}

absl::Status ClaimDevice::CheckUnbound(absl::string_view what) const {
  if (driver() == nullptr) return absl::OkStatus();
  return Refusal(EBUSY, "claim.bound",
                 absl::StrCat(what, " of ", name(), ": it is enabled; disable it first: echo ",
                              name(), " > bus/nd/drivers/", driver()->name(), "/unbind"));
}

absl::Status ClaimDevice::SetUuid(absl::string_view text) {
  engine().AssertLocked();
  RETURN_IF_ERROR(CheckUnbound("uuid"));
  ASSIGN_OR_RETURN(uuid_, ParseUuid(text));
  return absl::OkStatus();
}

absl::Status ClaimDevice::SetNamespace(absl::string_view text) {
  engine().AssertLocked();
  RETURN_IF_ERROR(CheckUnbound("namespace"));
  const absl::string_view wanted = absl::StripTrailingAsciiWhitespace(text);
  if (!wanted.empty() && !absl::StartsWith(wanted, "namespace"))
    return Refusal(
        EINVAL, "claim.namespace.syntax",
        absl::StrCat("namespace of ", name(), ": \"", wanted,
                     "\" is not a namespace's name, such as namespace", region_.id(), ".0"));
  if (wanted.empty()) {
    Detach();
    return absl::OkStatus();
  }
  if (ns_ != nullptr)
    return Refusal(EBUSY, "claim.namespace.set",
                   absl::StrCat("namespace of ", name(), ": it has ", ns_->name(),
                                " already; write an empty line first"));
  Namespace* ns = FindNamespace(region_, wanted);
  if (ns == nullptr)
    return Refusal(ENODEV, "claim.namespace.none",
                   absl::StrCat("namespace of ", name(), ": ", region_.name(), " has no ", wanted));
  if (!Accepts(ns->claim_class()))
    return Refusal(EBUSY, "claim.class",
                   absl::StrCat("namespace of ", name(), ": ", ns->name(),
                                " is reserved for another personality; see its holder_class"));
  if (ns->size() < kMinClaimSize)
    return Refusal(ENXIO, "claim.size",
                   absl::StrCat("namespace of ", name(), ": ", ns->name(), " has ", ns->size(),
                                " bytes; minimum ", kMinClaimSize, " bytes"));
  if (ns->claim() != nullptr)
    return Refusal(EBUSY, "namespace.claimed",
                   absl::StrCat("namespace of ", name(), ": ", ns->name(), " is claimed by ",
                                ns->claim()->claim_name()));
  return Attach(*ns);
}

absl::Status ClaimDevice::Attach(Namespace& ns) {
  engine().AssertLocked();
  ns_ = &ns;
  ns.set_claim(this);
  return absl::OkStatus();
}

void ClaimDevice::Detach() {
  engine().AssertLocked();
  if (ns_ != nullptr) ns_->set_claim(nullptr);
  ns_ = nullptr;
  if (region_.seed(kind()) == this)
    Reset();
  else
    engine().UnregisterLater(shared_from_this());
}

absl::Status ClaimDevice::CheckNamespace(absl::string_view what) const {
  engine().AssertLocked();
  if (ns_ == nullptr)
    return Refusal(ENODEV, "claim.namespace.unset",
                   absl::StrCat(what, ": it has no namespace; write one to its `namespace`"));
  if (ns_->driver() != nullptr)
    return Refusal(EBUSY, "namespace.bound",
                   absl::StrCat(what, ": ", ns_->name(), " is enabled raw; disable it first: echo ",
                                ns_->name(), " > bus/nd/drivers/nd_pmem/unbind"));
  return ns_->CheckUsable(what);
}

void ClaimDevice::Removed() {
  engine().AssertLocked();
  if (ns_ != nullptr) ns_->set_claim(nullptr);
  ns_ = nullptr;
  region_.ForgetSeed(*this);
  region_.ids(kind()).Give(id_);
}

std::vector<ClaimDevice*> ClaimDevicesOf(const Region& region) {
  std::vector<ClaimDevice*> claims;
  for (const auto& child : region.children())
    if (child->kind() == NdKind::kBtt || child->kind() == NdKind::kPfn ||
        child->kind() == NdKind::kDax)
      claims.push_back(static_cast<ClaimDevice*>(child.get()));
  return claims;
}

ClaimDevice* ClaimSeedOf(const Region& region, const DeviceKind& kind) {
  return static_cast<ClaimDevice*>(region.seed(kind));
}

ClaimDevice* ClaimOf(const Namespace& ns) { return static_cast<ClaimDevice*>(ns.claim()); }

absl::StatusOr<std::string> ShowClaimUuid(Device& device) {
  const Uuid& uuid = AsClaim(device).uuid();
  return absl::StrCat(uuid.is_nil() ? "" : uuid.ToString(), "\n");
}

absl::Status StoreClaimUuid(Device& device, absl::string_view text) {
  return AsClaim(device).SetUuid(text);
}

absl::StatusOr<std::string> ShowClaimNamespace(Device& device) {
  const Namespace* ns = AsClaim(device).ns();
  return absl::StrCat(ns == nullptr ? "" : ns->name(), "\n");
}

absl::Status StoreClaimNamespace(Device& device, absl::string_view text) {
  return AsClaim(device).SetNamespace(text);
}

}  // namespace nvdimmfs::core
