// SPDX-License-Identifier: Apache-2.0
// namespaceR.i: a named part of a region (labelled, "pmem"), or the whole of it (label-less, "io").
#ifndef NVDIMMFS_CORE_ND_NAMESPACE_H_
#define NVDIMMFS_CORE_ND_NAMESPACE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/base/range.h"
#include "core/base/uuid.h"
#include "core/labels/claim_class.h"
#include "core/labels/namespace_scan.h"
#include "core/media/media.h"
#include "core/model/data_node.h"
#include "core/model/engine.h"
#include "core/nd/claim.h"
#include "core/nd/disk.h"
#include "core/nd/nd_device.h"
#include "core/nd/region.h"

namespace nvdimmfs::core {

class Namespace final : public NdDevice {
 public:
  static constexpr uint64_t kLeastSize = 4096;  // bytes, of one that can be enabled

  // Not yet registered.
  static std::shared_ptr<Namespace> MakeWhole(Region& region);
  static std::shared_ptr<Namespace> MakeScanned(Region& region, const ScannedNamespace& found);
  static std::shared_ptr<Namespace> MakeEmpty(Region& region);

  Region& region() const { return region_; }
  int id() const { return id_; }
  bool labelled() const { return labelled_; }
  const Uuid& uuid() const {
    engine().AssertLocked();
    return uuid_;
  }
  // Whether it has a UUID. The nil UUID counts as one, as in the kernel.
  bool has_uuid() const {
    engine().AssertLocked();
    return has_uuid_;
  }
  const std::string& alt_name() const {
    engine().AssertLocked();
    return alt_name_;
  }
  // As in the label: 0, 512 or 4096.
  uint64_t lbasize() const {
    engine().AssertLocked();
    return lbasize_;
  }
  // The disk's logical block size, bytes.
  uint32_t block_size() const { return lbasize() == 4096 ? 4096 : 512; }
  ClaimClass claim_class() const {
    engine().AssertLocked();
    return claim_class_;
  }
  bool force_raw() const {
    engine().AssertLocked();
    return force_raw_;
  }
  // Empty while nothing is allocated.
  Range spa() const {
    engine().AssertLocked();
    return {start_, size_};
  }
  uint64_t size() const {
    engine().AssertLocked();
    return size_;
  }
  Claim* claim() const {
    engine().AssertLocked();
    return claim_;
  }
  void set_claim(Claim* claim) {
    engine().AssertLocked();
    claim_ = claim;
  }
  absl::string_view mode() const;
  // The number of DPA extents with this uuid, on all DIMMs.
  int CountExtents() const;

  // Its bytes. Refused with ENXIO while nothing is allocated.
  absl::StatusOr<std::shared_ptr<Media>> OpenMedia() const;
  // The file's name below dev/, without the suffix of a mode: "pmem0", "pmem0.1".
  std::string DiskName() const;
  // Its names in dev/by-name and dev/by-uuid; `claim_uuid` may be nil.
  std::vector<std::string> Aliases(const Uuid& claim_uuid) const;

  // Attribute stores, with the kernel's checks in the kernel's order; each ends in a label update.
  absl::Status SetUuid(const Uuid& uuid);
  absl::Status SetSize(uint64_t size);
  absl::Status SetAltName(absl::string_view name);
  absl::Status SetSectorSize(uint64_t sector_size);
  absl::Status SetClaimClass(ClaimClass claim_class);
  // Until CommitLabels, the stores above do not update labels; CommitLabels does so once, for all
  // of them.
  void HoldLabels() {
    engine().AssertLocked();
    labels_held_ = true;
  }
  absl::Status CommitLabels();
  // Removes the sector size, as if it had never been set: for undoing a creation.
  void ForgetSectorSize() {
    engine().AssertLocked();
    lbasize_ = 0;
  }
  void SetForceRaw(bool force_raw) {
    engine().AssertLocked();
    force_raw_ = force_raw;
  }
  // kBtt or kBtt2, by the label versions of the region's DIMMs; ENXIO if they disagree.
  absl::StatusOr<ClaimClass> BttClass() const;

  // Refused with EBUSY if its driver is bound, or something claims it.
  absl::Status CheckUnclaimedAndUnbound(absl::string_view what) const;
  absl::Status CheckLabels(absl::string_view what) const;
  // Refused with EBUSY if it is claimed, or its file is open.
  absl::Status CheckIdle(absl::string_view what) const;
  // The checks that every personality makes on its namespace before it attaches.
  absl::Status CheckUsable(absl::string_view what) const;

  // --- For its driver (pmem_driver.h). ---

  // OK if its address range allows showing it raw; else EOPNOTSUPP, "namespace.page_map".
  absl::Status CheckRange(absl::string_view what) const;
  void AttachDisk(std::shared_ptr<Media> media);
  void DetachDisk();
  // The file that exposes this namespace, its own or its claim's; null if there is none.
  DataNode* node() const;
  const DataNode* data_file() const override { return node(); }
  void DisksFollowRegion();

  // Creating `uuid` in a label-less namespace: see TakeLabelsIntoUse.
  absl::Status CreateAttribute(absl::string_view name) override;
  bool OwnsUuid(const Uuid& uuid) const override {
    engine().AssertLocked();
    return labelled_ && has_uuid_ && uuid_ == uuid;
  }
  // By its type: "nd_namespace_pmem", "nd_namespace_io".
  absl::string_view table_name() const override { return type(); }
  std::string devtype() const override { return std::string(type()); }
  std::string modalias() const override { return labelled_ ? "nd:t5" : "nd:t4"; }
  void Removed() override;

 private:
  Namespace(Region& region, int id, bool labelled);
  absl::string_view type() const { return labelled_ ? "nd_namespace_pmem" : "nd_namespace_io"; }

  absl::Status UpdateLabels();
  absl::Status FreeLabels();
  absl::Status WriteLabels();
  absl::Status WriteLabelOn(size_t mapping_index, uint32_t flags);
  // All or nothing. `size` may be 0, from any current size.
  absl::Status Resize(uint64_t size, uint64_t allocated);
  // Shrinks it by this many bytes on every DIMM.
  absl::Status Shrink(uint64_t bytes);
  absl::Status Grow(uint64_t bytes);
  // Whether its extents are at the same place on every DIMM of the set, as striping requires. (The
  // kernel does not check this; the sets that it creates are even.)
  absl::Status CheckEven() const;
  void LocateOnMedia();
  Region& region_;
  const int id_;
  const bool labelled_;
  Uuid uuid_ ABSL_GUARDED_BY(engine().lock());
  bool has_uuid_ ABSL_GUARDED_BY(engine().lock()) = false;
  std::string alt_name_ ABSL_GUARDED_BY(engine().lock());
  uint64_t lbasize_ ABSL_GUARDED_BY(engine().lock()) = 0;
  ClaimClass claim_class_ ABSL_GUARDED_BY(engine().lock()) = ClaimClass::kNone;
  bool force_raw_ ABSL_GUARDED_BY(engine().lock()) = false;
  bool labels_held_ ABSL_GUARDED_BY(engine().lock()) = false;
  uint64_t start_ ABSL_GUARDED_BY(engine().lock()) = 0;
  uint64_t size_ ABSL_GUARDED_BY(engine().lock()) = 0;
  Claim* claim_ ABSL_GUARDED_BY(engine().lock()) = nullptr;
  std::shared_ptr<Disk> disk_ ABSL_GUARDED_BY(engine().lock());  // while bound raw
};

// All namespaces of a region, in order of creation.
std::vector<Namespace*> NamespacesOf(const Region& region);
Namespace* FirstNamespaceOf(const Region& region);  // `region` must be enabled
// Null if the region has none of that name.
Namespace* FindNamespace(const Region& region, absl::string_view name);
// The namespace to configure next; null while the region is disabled.
Namespace* NamespaceSeedOf(const Region& region);

// Takes a blank label area into use: writes its first index blocks and enables the region again
// with labels. Refused as Region::InitialiseLabels says, and with EBUSY if a namespace is claimed
// or open.
absl::Status TakeLabelsIntoUse(Region& region);

inline constexpr uint64_t kNamespaceSectorSizes[] = {512, 4096};
// Bytes. A smaller namespace cannot be claimed by a personality.
inline constexpr uint64_t kMinClaimSize = 16 << 20;

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_NAMESPACE_H_
