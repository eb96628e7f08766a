// SPDX-License-Identifier: Apache-2.0
// A personality of a namespace: a btt, pfn or dax. It claims one namespace and, once bound, exposes
// the namespace's data in its own way.
#ifndef NVDIMMFS_CORE_ND_CLAIM_DEVICE_H_
#define NVDIMMFS_CORE_ND_CLAIM_DEVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "core/base/uuid.h"
#include "core/labels/claim_class.h"
#include "core/model/data_node.h"
#include "core/model/engine.h"
#include "core/nd/claim.h"
#include "core/nd/namespace.h"
#include "core/nd/nd_device.h"
#include "core/nd/region.h"

namespace nvdimmfs::core {

class ClaimDevice : public NdDevice, public Claim {
 public:
  Region& region() const { return region_; }
  int id() const { return id_; }
  // Nil: not set.
  const Uuid& uuid() const {
    engine().AssertLocked();
    return uuid_;
  }
  Namespace* ns() const {
    engine().AssertLocked();
    return ns_;
  }
  const std::string& claim_name() const override { return name(); }
  const DataNode* data_file() const override { return node(); }

  // Attribute stores, with the kernel's checks in the kernel's order.
  absl::Status SetUuid(absl::string_view text);
  // "namespaceR.i" attaches, white space detaches.
  absl::Status SetNamespace(absl::string_view text);
  absl::Status Attach(Namespace& ns);
  // Gives up its namespace, if it has one: a seed is reset, any other device leaves the tree.
  void Detach();

  virtual absl::Status Probe() = 0;
  virtual void Remove() = 0;

  void Removed() override;

 protected:
  ClaimDevice(Region& region, const DeviceKind& kind, absl::string_view prefix);

  virtual bool Accepts(ClaimClass claim_class) const = 0;
  // Resets what a seed loses when its namespace goes.
  virtual void Reset() = 0;
  // Refused with EBUSY while bound.
  absl::Status CheckUnbound(absl::string_view what) const;
  // Checks the namespace before attaching; refusals are those of the kernel's probe.
  absl::Status CheckNamespace(absl::string_view what) const;

  Uuid uuid_ ABSL_GUARDED_BY(engine().lock());

 private:
  ClaimDevice(Region& region, const DeviceKind& kind, absl::string_view prefix, int id);

  Region& region_;
  const int id_;
  Namespace* ns_ ABSL_GUARDED_BY(engine().lock()) = nullptr;
};

// All of a region's claim devices, in order of creation.
std::vector<ClaimDevice*> ClaimDevicesOf(const Region& region);
// The seed of `kind`: the device to configure next; null while the region is disabled.
ClaimDevice* ClaimSeedOf(const Region& region, const DeviceKind& kind);
// The device that claims the namespace, or null.
ClaimDevice* ClaimOf(const Namespace& ns);

absl::StatusOr<std::string> ShowClaimUuid(Device& device);
absl::Status StoreClaimUuid(Device& device, absl::string_view text);
absl::StatusOr<std::string> ShowClaimNamespace(Device& device);
absl::Status StoreClaimNamespace(Device& device, absl::string_view text);

inline constexpr Attribute kClaimUuidAttribute = {
    .name = "uuid",
    .mode = 0644,
    .show = ShowClaimUuid,
    .store = StoreClaimUuid,
    .summary = "the UUID of this btt, pfn or dax, kept in its info block",
    .grammar = Grammar::kUuid,
    .refusals = "claim.bound input.syntax"};
inline constexpr Attribute kClaimNamespaceAttribute = {
    .name = "namespace",
    .mode = 0644,
    .show = ShowClaimNamespace,
    .store = StoreClaimNamespace,
    .summary = "the namespace that it claims; an empty line gives it up",
    .grammar = "NAMESPACE | an empty line",
    .refusals = "claim.bound claim.class claim.namespace.* claim.size namespace.claimed"};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_CLAIM_DEVICE_H_
