// SPDX-License-Identifier: Apache-2.0
// regionN: a range of system physical addresses, backed by one or more DIMMs, that holds
// namespaces.
#ifndef NVDIMMFS_CORE_ND_REGION_H_
#define NVDIMMFS_CORE_ND_REGION_H_

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/labels/interleave_set.h"
#include "core/labels/namespace_scan.h"
#include "core/media/poison_observer.h"
#include "core/model/engine.h"
#include "core/model/id_allocator.h"
#include "core/nd/dimm.h"
#include "core/nd/nd_device.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::core {

// One DIMM's part in a region.
struct Mapping {
  std::shared_ptr<Dimm> dimm;
  Range dpa;              // bytes, in the DIMM's address space
  uint32_t position = 0;  // place in the interleave set's order
  // While the region is enabled: the label data in use, and for each namespace the slots of the
  // labels that define it; its next update must free them.
  std::shared_ptr<DimmData> data;
  std::multimap<Uuid, uint32_t> slots;
};

class Region final : public NdDevice, public PoisonObserver {
 public:
  // Not yet registered. `dimms` are those of `bus`. Refused with EINVAL, "bus.source", if the
  // source contradicts itself.
  static absl::StatusOr<std::shared_ptr<Region>> Make(NdBusType& nd, Device& bus,
                                                      absl::Span<const std::shared_ptr<Dimm>> dimms,
                                                      bool has_nfit, RegionSource source);

  int id() const { return id_; }
  bool has_nfit() const { return has_nfit_; }  // whether its bus has one
  const RegionSource& source() const { return source_; }
  uint64_t size() const { return source_.spa.size; }
  const std::vector<Mapping>& mappings() const { return mappings_; }
  std::vector<Mapping>& mappings() { return mappings_; }
  bool enabled() const { return driver() != nullptr; }

  // 5 if a mapped DIMM has labels in use, else 4 (one namespace over the whole region).
  int nstype() const;
  uint64_t align() const {
    engine().AssertLocked();
    return align_;
  }
  // Each DIMM's share of `align`.
  uint64_t dimm_align() const { return align() / std::max<size_t>(1, mappings_.size()); }
  uint64_t set_cookie() const;
  // Whether set_cookie and available_size are shown.
  bool has_set() const;
  // Whether a store is durable only after the CPU caches are flushed.
  bool flushes_caches() const {
    return !source_.is_volatile && source_.persistence_domain != PersistenceDomain::kCpuCache;
  }
  const SetCookies& cookies() const { return cookies_; }
  // The labels of its DIMMs that do not form a namespace, and why (namespace_scan.h); offsets are
  // relative to the DIMM's label area.
  const std::vector<Finding>& label_findings() const {
    engine().AssertLocked();
    return label_findings_;
  }
  // The UUID by which CXL labels refer to it; nil while there are none.
  const Uuid& uuid() const {
    engine().AssertLocked();
    return uuid_;
  }
  bool read_only() const {
    engine().AssertLocked();
    return read_only_;
  }
  bool locked() const;
  bool any_dimm_unbound() const;

  uint64_t AvailableSize() const;
  uint64_t MaxAvailableExtent() const;

  absl::Status SetAlign(uint64_t align);
  void set_read_only(bool read_only) {
    engine().AssertLocked();
    read_only_ = read_only;
  }

  // --- For its driver (region_driver.h). ---

  // Takes references to the current label data of its DIMMs, which is in use until it is dropped.
  void TakeLabelData();
  void DropLabelData();
  // The namespaces that the labels describe, once the label data is taken; reserves nothing.
  // ENODEV, "region.dimm_without_labels", if a DIMM has none; otherwise as ScanNamespaces.
  absl::StatusOr<std::vector<ScannedNamespace>> ScanLabels();
  int init_namespaces() const {
    engine().AssertLocked();
    return init_namespaces_;
  }
  void set_init_namespaces(int count) {
    engine().AssertLocked();
    init_namespaces_ = count;
  }

  // --- Children. ---

  // The seed of a kind: the device to configure next; null while there is none.
  Device* seed(const DeviceKind& kind) const;
  void set_seed(Device& device) {
    engine().AssertLocked();
    seeds_[&device.kind()] = &device;
  }
  // The seed has left the tree or lost its role.
  void ForgetSeed(const Device& device);
  void ForgetSeeds() {
    engine().AssertLocked();
    seeds_.clear();
  }
  // The number allocator for its children of a kind.
  IdAllocator& ids(const DeviceKind& kind) {
    engine().AssertLocked();
    return ids_[&kind];
  }

  // OK if the labels of all of its DIMMs may be changed: each area is blank, or has an index of a
  // known version. Else refused as LabelArea::CheckBlank and CheckWritable say, and with ENXIO,
  // "region.dimm_unbound", if an area has not been read.
  absl::Status CheckLabels(absl::string_view what) const;

  // Writes the first index blocks of its DIMMs, all of which must have a blank label area. The
  // DIMMs count as labelled once the region is enabled again. Refused with ENXIO,
  // "region.disabled"; with EACCES if a DIMM has no label area or labels are already in use; as
  // CheckLabels says; and last, as `idle` says.
  absl::Status InitialiseLabels(const std::function<absl::Status()>& idle);

  // Before a namespace's first label: makes sure that every DIMM has index blocks and, if its
  // labels are CXL labels, this region's label. Refused as CheckLabels says, and with ENXIO:
  // "dimm.no_labels", or "label.region.foreign" if a label assigns a DIMM's part to another region.
  absl::Status PrepareLabels();

  std::string devtype() const override { return source_.is_volatile ? "nd_volatile" : "nd_pmem"; }
  std::string modalias() const override { return "nd:t2"; }
  int numa_node() const override { return source_.numa_node; }
  int target_node() const override { return source_.target_node; }
  void Removed() override;
  void PoisonChanged(PoisonChange change) override;

  // The name of the namespace that x/create created last; "": none.
  const std::string& last_created() const {
    engine().AssertLocked();
    return last_created_;
  }
  void set_last_created(std::string name) {
    engine().AssertLocked();
    last_created_ = std::move(name);
  }

 private:
  Region(NdBusType& nd, Device& bus, int id, bool has_nfit, RegionSource source);

  Uuid UuidOnMedia() const;
  RegionLabel LabelFor(const Mapping& mapping) const;
  absl::StatusOr<bool> HasRegionLabel(const Mapping& mapping) const;
  absl::Status WriteRegionLabels();

  const bool has_nfit_;
  // Now, in the media. Any thread.
  uint64_t CountBadBytes() const;

  const int id_;
  const RegionSource source_;
  std::atomic<uint64_t> bad_bytes_{0};  // when PoisonChanged was last called
  std::vector<Mapping> mappings_;       // constant once built, like the cookies
  SetCookies cookies_;
  std::vector<Finding> label_findings_ ABSL_GUARDED_BY(engine().lock());
  Uuid uuid_ ABSL_GUARDED_BY(engine().lock());
  uint64_t align_ ABSL_GUARDED_BY(engine().lock()) = 0;
  bool read_only_ ABSL_GUARDED_BY(engine().lock()) = false;
  std::string last_created_ ABSL_GUARDED_BY(engine().lock());
  int init_namespaces_ ABSL_GUARDED_BY(engine().lock()) = 0;
  std::map<const DeviceKind*, IdAllocator> ids_ ABSL_GUARDED_BY(engine().lock());
  std::map<const DeviceKind*, Device*> seeds_ ABSL_GUARDED_BY(engine().lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_REGION_H_
