// regionN: a range of system physical addresses, backed by one or more DIMMs, that holds
// namespaces.
#ifndef NVDIMMFS_CORE_DEVICES_REGION_H_
#define NVDIMMFS_CORE_DEVICES_REGION_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/devices/device.h"
#include "core/devices/dimm.h"
#include "core/devices/id_allocator.h"
#include "core/labels/interleave_set.h"
#include "core/media/poison_observer.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::core {

class Bus;
class ClaimDevice;
class Namespace;

// One DIMM's part in a region.
struct Mapping {
  std::shared_ptr<Dimm> dimm;
  Range dpa;              // bytes, in the DIMM's address space
  uint32_t position = 0;  // place in the interleave set's order
  // While the region is enabled: the label data in use, and, by namespace, the slots of the labels
  // that made it, which its next update must free.
  std::shared_ptr<DimmData> data;
  std::multimap<Uuid, uint32_t> slots;
};

class Region final : public NdDevice, public PoisonObserver {
 public:
  static absl::StatusOr<std::shared_ptr<Region>> Make(System& system, Bus& bus,
                                                      RegionSource source);

  int id() const { return id_; }
  Bus& bus() const { return bus_; }
  const RegionSource& source() const { return source_; }
  uint64_t size() const { return source_.spa.size; }
  const std::vector<Mapping>& mappings() const { return mappings_; }
  std::vector<Mapping>& mappings() { return mappings_; }
  bool enabled() const { return driver() != nullptr; }

  // 5 where a mapped DIMM has labels in use, else 4 (one namespace over everything).
  int nstype() const;
  uint64_t align() const { return align_; }
  // Per-DIMM share of `align`.
  uint64_t dimm_align() const { return align_ / std::max<size_t>(1, mappings_.size()); }
  uint64_t set_cookie() const;
  // Whether set_cookie and available_size are shown.
  bool has_set() const;
  // Whether a store is durable only once the CPU's caches are flushed.
  bool flushes_caches() const {
    return !source_.is_volatile && source_.persistence_domain != PersistenceDomain::kCpuCache;
  }
  const SetCookies& cookies() const { return cookies_; }
  // The labels of its DIMMs that make no namespace, and why (namespace_scan.h); offsets are in the
  // DIMM's label area.
  const std::vector<Finding>& label_findings() const { return label_findings_; }
  // By which CXL labels know it; nil while there are none.
  const Uuid& uuid() const { return uuid_; }
  bool read_only() const { return read_only_; }
  bool locked() const;
  bool any_dimm_unbound() const;

  uint64_t AvailableSize() const;
  uint64_t MaxAvailableExtent() const;

  absl::Status SetAlign(uint64_t align);
  void SetReadOnly(bool read_only);

  // --- The nd_region driver. ---
  absl::Status Probe();
  // After a successful probe: offers the new namespaces to their driver.
  void ProbeNamespaces();
  void Remove();
  int init_namespaces() const { return init_namespaces_; }

  // --- Children. Seeds are null while the region is disabled. ---
  Namespace* namespace_seed() const { return namespace_seed_; }
  ClaimDevice* seed(DeviceKind kind) const;
  // All namespaces, in the order in which they were made.
  std::vector<Namespace*> Namespaces() const;
  Namespace* FirstNamespace() const;                       // of an enabled region
  Namespace* FindNamespace(absl::string_view name) const;  // null where it has none of that name
  std::vector<ClaimDevice*> ClaimDevices() const;
  // A new claim device (btt, pfn or dax), registered, not bound.
  std::shared_ptr<ClaimDevice> AddClaimDevice(DeviceKind kind);
  IdAllocator& namespace_ids() { return namespace_ids_; }
  IdAllocator& claim_ids(DeviceKind kind);
  // After a driver's probe of a child: activation moves the seeds on.
  void ChildProbed(Device& child, const absl::Status& status);
  // The seed has left the tree or lost its role.
  void ForgetSeed(const Device& device);

  // OK where the labels of all of its DIMMs may be changed: each area is blank, or has an index of
  // a version that is known. Else refused as LabelArea::CheckBlank and CheckWritable say; and with
  // ENXIO, "region.dimm_unbound", where there is an area that was not read.
  absl::Status CheckLabels(absl::string_view what) const;

  // Takes a blank label area into use: writes its first index blocks and enables the region again
  // with labels. Refused with EACCES where a DIMM has no label area or labels are in use already,
  // EBUSY where a namespace is claimed or held open, and as CheckLabels says.
  absl::Status TakeLabelsIntoUse();

  // Before a namespace's first label: makes sure that every DIMM has index blocks and, where its
  // labels are CXL's, this region's label. Refused as CheckLabels says, and with ENXIO:
  // "dimm.no_labels", or "label.region.foreign" where a label says that a DIMM's part is another
  // region's.
  absl::Status PrepareLabels();

  absl::Span<const Attribute> attributes() const override;
  std::string devtype() const override { return source_.is_volatile ? "nd_volatile" : "nd_pmem"; }
  std::string modalias() const override { return "nd:t2"; }
  void Removed() override;
  void PoisonChanged(PoisonChange change) override;

  std::string last_created;  // what x/create made last

 private:
  Region(System& system, Bus& bus, int id, RegionSource source);

  absl::Status CheckDimms() const;
  Uuid UuidOnMedia() const;
  RegionLabel LabelFor(const Mapping& mapping) const;
  absl::StatusOr<bool> HasRegionLabel(const Mapping& mapping) const;
  absl::Status WriteRegionLabels();
  absl::Status MakeLabelledNamespaces();
  void MakeLabellessNamespace();
  void CreateNamespaceSeed();
  void CreateClaimSeed(DeviceKind kind);

  Bus& bus_;
  const int id_;
  const RegionSource source_;
  std::vector<Mapping> mappings_;
  SetCookies cookies_;
  std::vector<Finding> label_findings_;
  Uuid uuid_;
  uint64_t align_ = 0;
  bool read_only_ = false;
  int init_namespaces_ = 0;
  IdAllocator namespace_ids_, btt_ids_, pfn_ids_, dax_ids_;
  Namespace* namespace_seed_ = nullptr;
  ClaimDevice* btt_seed_ = nullptr;
  ClaimDevice* pfn_seed_ = nullptr;
  ClaimDevice* dax_seed_ = nullptr;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_REGION_H_
