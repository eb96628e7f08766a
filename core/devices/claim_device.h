// What can stand on a namespace: a btt, pfn or dax. It claims one namespace, and once bound it
// serves the namespace's data in its own way.
#ifndef NVDIMMFS_CORE_DEVICES_CLAIM_DEVICE_H_
#define NVDIMMFS_CORE_DEVICES_CLAIM_DEVICE_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/uuid.h"
#include "core/devices/data_node.h"
#include "core/devices/device.h"
#include "core/devices/sector_layer.h"
#include "core/labels/claim_class.h"

namespace nvdimmfs::core {

class Namespace;
class Region;

class ClaimDevice : public NdDevice {
 public:
  Region& region() const { return region_; }
  int id() const { return id_; }
  const Uuid& uuid() const { return uuid_; }  // nil: not set
  Namespace* ns() const { return ns_; }
  // The namespace's `mode` while this claims it: "safe", "memory" or "dax".
  virtual absl::string_view namespace_mode() const = 0;
  // The file that serves the data while bound, else null.
  virtual DataNode* node() const = 0;
  const DataNode* data_file() const override { return node(); }

  // Stores, with the kernel's checks in the kernel's order.
  absl::Status SetUuid(absl::string_view text);
  // "namespaceR.i" attaches, white space detaches.
  absl::Status SetNamespace(absl::string_view text);
  absl::Status Attach(Namespace& ns);
  // Gives the namespace up, if there is one: a seed is reset, any other device leaves the tree.
  void Detach();

  virtual absl::Status Probe() = 0;
  virtual void Remove() = 0;

  // A namespace's own probe found a BTT, or perhaps an info block of `kind`: makes the claim
  // device, which then binds by itself. OK: there was none. ENXIO: it took over. EOPNOTSUPP: there
  // is one, but it cannot be used.
  static absl::Status AdoptBtt(Namespace& ns, const SectorIdentity& found);
  static absl::Status AdoptPfn(Namespace& ns, DeviceKind kind);

  void Removed() override;

 protected:
  ClaimDevice(Region& region, DeviceKind kind, absl::string_view prefix);

  virtual bool Accepts(ClaimClass claim_class) const = 0;
  // Forgets what a seed forgets when its namespace goes.
  virtual void Reset() = 0;
  // Refused with EBUSY while bound.
  absl::Status CheckUnbound(absl::string_view what) const;
  // What attaching asks of the namespace; refused as the kernel's probe does.
  absl::Status CheckNamespace(absl::string_view what) const;

  Uuid uuid_;

 private:
  ClaimDevice(Region& region, DeviceKind kind, absl::string_view prefix, int id);

  Region& region_;
  const int id_;
  Namespace* ns_ = nullptr;
};

absl::StatusOr<std::string> ShowClaimUuid(Device& device);
absl::Status StoreClaimUuid(Device& device, absl::string_view text);
absl::StatusOr<std::string> ShowClaimNamespace(Device& device);
absl::Status StoreClaimNamespace(Device& device, absl::string_view text);

inline constexpr Attribute kClaimUuidAttribute = {.name = "uuid",
                                                  .mode = 0644,
                                                  .show = ShowClaimUuid,
                                                  .store = StoreClaimUuid,
                                                  .summary = "the instance's own uuid"};
inline constexpr Attribute kClaimNamespaceAttribute = {
    .name = "namespace",
    .mode = 0644,
    .show = ShowClaimNamespace,
    .store = StoreClaimNamespace,
    .summary = "the namespace it stands on; an empty line gives it up"};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_CLAIM_DEVICE_H_
