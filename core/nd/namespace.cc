// SPDX-License-Identifier: Apache-2.0
#include "core/nd/namespace.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/types/span.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "core/labels/label_format.h"
#include "core/media/media_slice.h"
#include "core/model/driver.h"
#include "core/model/engine.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kPageMappedAlign = 2 << 20;
constexpr size_t kMaxName = 63;  // the label's field is 64 bytes with its NUL

// A label's name as a file name: escaped as udev does it, so that different names give different
// files. A name has at most 63 bytes, and its file name at most 252.
std::string FileNameOf(absl::string_view name) {
  if (name == "." || name == "..") return absl::StrReplaceAll(name, {{".", "\\x2e"}});
  return absl::StrReplaceAll(EscapeName(name), {{"/", "\\x2f"}});
}

std::vector<uint32_t> SlotsOf(const Mapping& mapping, const Uuid& uuid) {
  std::vector<uint32_t> slots;
  const auto [first, last] = mapping.slots.equal_range(uuid);
  for (auto at = first; at != last; ++at) slots.push_back(at->second);
  return slots;
}

uint64_t AllocatedOn(const Mapping& mapping, const Uuid& uuid) {
  return mapping.data == nullptr ? 0 : mapping.data->space.Allocated(uuid);
}

// The refusal of a growth that is not adjacent to the last extent. If the start of the mapping is
// taken, the kernel returns ENXIO. If it is free, the kernel would create a second extent that no
// label records; this returns ENOSPC instead.
absl::Status Fragmented(const Mapping& mapping, uint64_t bytes, const absl::Status& why) {
  const bool start_is_free = mapping.data->space.IsFree({mapping.dpa.start, bytes});
  return Refusal(start_is_free ? ENOSPC : ENXIO, ReasonOf(why), why.message());
}

}  // namespace

Namespace::Namespace(Region& region, int id, bool labelled)
    : NdDevice(region.nd(), NdKind::kNamespace, absl::StrCat("namespace", region.id(), ".", id),
               &region),
      region_(region),
      id_(id),
      labelled_(labelled) {}

std::shared_ptr<Namespace> Namespace::MakeWhole(Region& region) {
  std::shared_ptr<Namespace> ns(
      new Namespace(region, region.ids(NdKind::kNamespace).Take(), false));
  ns->engine().AssertLocked();
  ns->start_ = region.source().spa.start;
  ns->size_ = region.size();
  return ns;
}

std::shared_ptr<Namespace> Namespace::MakeScanned(Region& region, const ScannedNamespace& found) {
  std::shared_ptr<Namespace> ns(new Namespace(region, region.ids(NdKind::kNamespace).Take(), true));
  ns->engine().AssertLocked();
  ns->uuid_ = found.uuid;
  ns->has_uuid_ = true;
  ns->alt_name_ = found.name;
  ns->lbasize_ = found.lbasize;
  ns->claim_class_ = found.claim_class;
  ns->start_ = found.spa_start;
  ns->size_ = found.size;
  return ns;
}

std::shared_ptr<Namespace> Namespace::MakeEmpty(Region& region) {
  return std::shared_ptr<Namespace>(
      new Namespace(region, region.ids(NdKind::kNamespace).Take(), true));
}

absl::string_view Namespace::mode() const {
  engine().AssertLocked();
  if (claim_ != nullptr) return claim_->namespace_mode();
  return region_.source().page_mapped && !force_raw_ ? "memory" : "raw";
}

int Namespace::CountExtents() const {
  engine().AssertLocked();
  if (!has_uuid_) return 0;
  size_t count = 0;
  for (const Mapping& mapping : region_.mappings())
    if (mapping.data != nullptr) count += mapping.data->space.ExtentsOf(uuid_).size();
  return static_cast<int>(count);
}

absl::StatusOr<std::shared_ptr<Media>> Namespace::OpenMedia() const {
  engine().AssertLocked();
  if (size_ == 0)
    return Refusal(ENXIO, "namespace.empty", absl::StrCat(name(), " has no space allocated"));
  const uint64_t region_start = region_.source().spa.start;
  if (start_ < region_start)
    return Refusal(ENXIO, "namespace.range", absl::StrCat(name(), " starts before its region"));
  return MediaSlice::Make(region_.source().media, {start_ - region_start, size_});
}

std::string Namespace::DiskName() const {
  return id_ == 0 ? absl::StrCat("pmem", region_.id())
                  : absl::StrCat("pmem", region_.id(), ".", id_);
}

std::vector<std::string> Namespace::Aliases(const Uuid& claim_uuid) const {
  engine().AssertLocked();
  std::vector<std::string> aliases;
  if (!alt_name_.empty()) aliases.push_back(absl::StrCat("dev/by-name/", FileNameOf(alt_name_)));
  for (const Uuid& uuid : {uuid_, claim_uuid})
    if (!uuid.is_nil()) aliases.push_back(absl::StrCat("dev/by-uuid/", uuid.ToString()));
  return aliases;
}

absl::Status Namespace::CheckUnclaimedAndUnbound(absl::string_view what) const {
  engine().AssertLocked();
  if (claim_ != nullptr)
    return Refusal(EBUSY, "namespace.claimed",
                   absl::StrCat(what, ": ", name(), " is claimed by ", claim_->claim_name(),
                                "; unbind that and write an empty line to its `namespace` first"));
  if (driver() != nullptr)
    return Refusal(EBUSY, "namespace.bound",
                   absl::StrCat(what, ": ", name(), " is enabled; disable it first: echo ", name(),
                                " > bus/nd/drivers/", driver()->name(), "/unbind"));
  return absl::OkStatus();
}

absl::Status Namespace::CheckIdle(absl::string_view what) const {
  engine().AssertLocked();
  if (claim_ != nullptr)
    return Refusal(EBUSY, "namespace.claimed",
                   absl::StrCat(what, ": ", name(), " is claimed by ", claim_->claim_name()));
  if (disk_ != nullptr && disk_->node().holders() > 0)
    return Refusal(EBUSY, "namespace.held",
                   absl::StrCat(what, ": dev/", disk_->name(), " is held open; close it first"));
  return absl::OkStatus();
}

absl::Status Namespace::CheckUsable(absl::string_view what) const {
  engine().AssertLocked();
  if (region_.locked())
    return Refusal(EACCES, "dimm.locked",
                   absl::StrCat(what, ": a DIMM of ", region_.name(), " is locked"));
  if (size_ < kLeastSize)
    return Refusal(ENODEV, "namespace.empty",
                   absl::StrCat(what, ": ", name(), " has ", size_,
                                " bytes; write its uuid and then its size first"));
  if (labelled_ && !has_uuid_)
    return Refusal(ENODEV, "namespace.no_uuid",
                   absl::StrCat(what, ": ", name(), " has no uuid; write one first"));
  return absl::OkStatus();
}

// Checked before memory changes in a way that labels could not record.
absl::Status Namespace::CheckLabels(absl::string_view what) const {
  return labelled_ ? region_.CheckLabels(what) : absl::OkStatus();
}

absl::Status Namespace::SetUuid(const Uuid& uuid) {
  engine().AssertLocked();
  const std::string what = absl::StrCat("uuid ", uuid.ToString());
  RETURN_IF_ERROR(CheckLabels(what));
  // In all regions of the bus.
  for (const auto& region : region_.parent()->children()) {
    if (!(region->kind() == NdKind::kRegion)) continue;
    for (const auto& child : region->children())
      if (static_cast<const NdDevice&>(*child).OwnsUuid(uuid))
        return Refusal(EINVAL, "namespace.uuid.used",
                       absl::StrCat(what, ": in use by ", child->name(), "; uuids must be unique"));
  }
  if (has_uuid_) {
    for (const Mapping& mapping : region_.mappings())
      if (mapping.slots.empty())
        return Refusal(
            EBUSY, "namespace.uuid.set",
            absl::StrCat(what, ": ", name(), " has a uuid already, and ", mapping.dimm->name(),
                         " has no label to rename; write 0 to size to start over"));
    for (Mapping& mapping : region_.mappings()) {
      mapping.data->space.Rename(uuid_, uuid);
      const std::vector<uint32_t> slots = SlotsOf(mapping, uuid_);
      mapping.slots.erase(uuid_);
      for (const uint32_t slot : slots) mapping.slots.emplace(uuid, slot);
    }
  }
  uuid_ = uuid;
  has_uuid_ = true;
  return UpdateLabels();
}

absl::Status Namespace::SetSize(uint64_t size) {
  engine().AssertLocked();
  const std::string what = absl::StrCat("size ", size);
  RETURN_IF_ERROR(CheckUnclaimedAndUnbound(what));
  RETURN_IF_ERROR(CheckLabels(what));
  if (!has_uuid_)
    return Refusal(ENXIO, "namespace.no_uuid",
                   absl::StrCat(what, ": ", name(), " has no uuid; write one to its uuid first"));
  if (region_.mappings().empty())
    return Refusal(ENXIO, "region.no_dimm",
                   absl::StrCat(what, ": ", region_.name(), " has no DIMM"));
  if (size % region_.align() != 0) {
    const uint64_t below = RoundDown(size, region_.align());
    const uint64_t above = CheckedAdd(below, region_.align()).value_or(below);
    return Refusal(EINVAL, "namespace.size.align",
                   absl::StrCat(what, ": not a multiple of ", region_.name(), "'s align ",
                                region_.align(), "; the nearest are ", below, " and ", above));
  }
  if (region_.any_dimm_unbound())
    return Refusal(ENXIO, "region.dimm_unbound",
                   absl::StrCat(what, ": a DIMM of ", region_.name(), " is not bound to nvdimm"));
  uint64_t allocated = 0;
  for (const Mapping& mapping : region_.mappings()) allocated += AllocatedOn(mapping, uuid_);
  const uint64_t room = region_.MaxAvailableExtent() + allocated;
  if (size > room)
    return Refusal(
        ENOSPC, "namespace.size.room",
        absl::StrCat(what, ": ", region_.name(), " has at most ", room, " bytes in one piece for ",
                     name(), " (", allocated, " of them its own); see max_available_extent",
                     region_.AvailableSize() > 0 && room == allocated
                         ? "; existing extents are not aligned to `align`; write a smaller align"
                         : ""));
  RETURN_IF_ERROR(Resize(size, allocated));
  LocateOnMedia();
  if (size == 0 && id_ != 0 && region_.seed(NdKind::kNamespace) != this)
    engine().UnregisterLater(std::static_pointer_cast<Namespace>(shared_from_this()));
  RETURN_IF_ERROR(UpdateLabels());
  if (size == 0) {
    uuid_ = Uuid();
    has_uuid_ = false;
  }
  return absl::OkStatus();
}

absl::Status Namespace::Resize(uint64_t size, uint64_t allocated) {
  engine().AssertLocked();
  std::vector<Mapping>& mappings = region_.mappings();
  if (size == 0) {
    // Extents may differ between DIMMs: an interrupted update of a set may leave it uneven.
    for (Mapping& mapping : mappings) mapping.data->space.Release(uuid_);
    return absl::OkStatus();
  }
  if (size == allocated) return absl::OkStatus();
  std::vector<std::vector<DpaExtent>> before;
  before.reserve(mappings.size());
  for (const Mapping& mapping : mappings) before.push_back(mapping.data->space.ExtentsOf(uuid_));
  absl::Status status = size < allocated ? Shrink((allocated - size) / mappings.size())
                                         : Grow((size - allocated) / mappings.size());
  if (status.ok()) status = CheckEven();
  if (status.ok()) return absl::OkStatus();
  for (size_t i = 0; i < mappings.size(); ++i) mappings[i].data->space.Restore(uuid_, before[i]);
  return status;
}

absl::Status Namespace::Shrink(uint64_t bytes) {
  engine().AssertLocked();
  for (Mapping& mapping : region_.mappings()) mapping.data->space.Shrink(uuid_, bytes);
  return absl::OkStatus();
}

absl::Status Namespace::Grow(uint64_t bytes) {
  engine().AssertLocked();
  if (bytes == 0) return absl::OkStatus();
  for (Mapping& mapping : region_.mappings()) {
    const absl::Status grown =
        mapping.data->space.Grow(uuid_, bytes, mapping.dpa, region_.dimm_align());
    if (!grown.ok()) return Fragmented(mapping, bytes, grown);
  }
  return absl::OkStatus();
}

absl::Status Namespace::CheckEven() const {
  engine().AssertLocked();
  const std::vector<Mapping>& mappings = region_.mappings();
  for (const Mapping& mapping : mappings) {
    const std::vector<DpaExtent> here = mapping.data->space.ExtentsOf(uuid_);
    const std::vector<DpaExtent> first = mappings[0].data->space.ExtentsOf(uuid_);
    const auto same = [&](const DpaExtent& a, const DpaExtent& b) {
      return a.dpa.size == b.dpa.size &&
             a.dpa.start - mappings[0].dpa.start == b.dpa.start - mapping.dpa.start;
    };
    if (!std::equal(first.begin(), first.end(), here.begin(), here.end(), same))
      return Refusal(
          ENXIO, "namespace.size.uneven",
          absl::StrCat("size of ", name(), ": the free space of ", mapping.dimm->name(),
                       " is not at the same offset as that of ", mappings[0].dimm->name(),
                       ", so stripes of the set would overlap used space; see "
                       "x/map.txt of ",
                       region_.name()));
  }
  return absl::OkStatus();
}

void Namespace::LocateOnMedia() {
  engine().AssertLocked();
  const std::vector<Mapping>& mappings = region_.mappings();
  size_ = 0;
  for (const Mapping& mapping : mappings) size_ += AllocatedOn(mapping, uuid_);
  if (size_ == 0) return;
  const std::vector<DpaExtent> extents = mappings[0].data->space.ExtentsOf(uuid_);
  if (extents.empty()) return;
  start_ = region_.source().spa.start +
           (extents.front().dpa.start - mappings[0].dpa.start) * mappings.size();
}

absl::Status Namespace::SetAltName(absl::string_view text) {
  engine().AssertLocked();
  const absl::string_view name_text = Trim(text);
  RETURN_IF_ERROR(CheckUnclaimedAndUnbound("alt_name"));
  RETURN_IF_ERROR(CheckLabels("alt_name"));
  if (name_text.size() > kMaxName)
    return Refusal(EINVAL, "namespace.name.length",
                   absl::StrCat("alt_name of ", name(), ": ", name_text.size(),
                                " bytes; a label holds at most ", kMaxName));
  alt_name_ = std::string(name_text);
  return UpdateLabels();
}

absl::Status Namespace::SetSectorSize(uint64_t sector_size) {
  engine().AssertLocked();
  RETURN_IF_ERROR(CheckLabels("sector_size"));
  lbasize_ = sector_size;
  return UpdateLabels();
}

absl::StatusOr<ClaimClass> Namespace::BttClass() const {
  std::optional<ClaimClass> common;
  bool mixed = false;
  for (const Mapping& mapping : region_.mappings()) {
    const DimmData* data = mapping.dimm->data().get();
    if (data == nullptr) return ClaimClass::kBtt;
    const ClaimClass of_dimm = data->labels.version().btt_class();
    mixed = mixed || of_dimm != common.value_or(of_dimm);
    common = of_dimm;
  }
  if (!mixed) return common.value_or(ClaimClass::kBtt);
  return Refusal(ENXIO, "namespace.mixed_labels",
                 absl::StrCat("holder_class of ", name(),
                              ": the labels of the set's DIMMs are of versions with different BTT "
                              "layouts"));
}

absl::Status Namespace::SetClaimClass(ClaimClass claim_class) {
  engine().AssertLocked();
  RETURN_IF_ERROR(CheckLabels("holder_class"));
  claim_class_ = claim_class;
  if (!labelled_)
    return Refusal(ENXIO, "namespace.label_less",
                   absl::StrCat("holder_class of ", name(),
                                ": set until the region is enabled again, but there is no label "
                                "to keep it in"));
  return UpdateLabels();
}

absl::Status Namespace::CommitLabels() {
  engine().AssertLocked();
  labels_held_ = false;
  return UpdateLabels();
}

absl::Status Namespace::UpdateLabels() {
  engine().AssertLocked();
  if (!labelled_ || labels_held_ || !has_uuid_) return absl::OkStatus();
  return Annotate(size_ == 0 ? FreeLabels() : WriteLabels(), absl::StrCat("labels of ", name()));
}

absl::Status Namespace::FreeLabels() {
  engine().AssertLocked();
  for (Mapping& mapping : region_.mappings()) {
    if (mapping.data == nullptr || !mapping.data->labels.has_index()) continue;
    RETURN_IF_ERROR(mapping.dimm->Reported(
        mapping.data->labels.Update(std::nullopt, SlotsOf(mapping, uuid_)).status()));
    mapping.slots.erase(uuid_);
  }
  return absl::OkStatus();
}

absl::Status Namespace::WriteLabels() {
  std::vector<Mapping>& mappings = region_.mappings();
  RETURN_IF_ERROR(region_.PrepareLabels());
  // Two phases, so that an interrupted update of a set is recognisable: every label is first marked
  // as "updating".
  for (const uint32_t flags : {kLabelUpdating, uint32_t{0}})
    for (size_t i = 0; i < mappings.size(); ++i) RETURN_IF_ERROR(WriteLabelOn(i, flags));
  return absl::OkStatus();
}

absl::Status Namespace::WriteLabelOn(size_t mapping_index, uint32_t flags) {
  engine().AssertLocked();
  Mapping& mapping = region_.mappings()[mapping_index];
  LabelArea& area = mapping.data->labels;
  const std::vector<DpaExtent> extents = mapping.data->space.ExtentsOf(uuid_);
  if (extents.empty())
    return Refusal(ENXIO, "namespace.no_extent",
                   absl::StrCat(mapping.dimm->name(), " holds no part of it"));
  const NamespaceLabel label{.uuid = uuid_,
                             .name = alt_name_,
                             .flags = flags,
                             .nlabel = area.version().nlabel(region_.mappings().size()),
                             .position = static_cast<uint16_t>(mapping_index),
                             .isetcookie = area.version().CookieOf(region_.cookies()),
                             .lbasize = lbasize_,
                             .dpa = extents.front().dpa.start,
                             .rawsize = extents.front().dpa.size,
                             .type_guid = region_.source().type_guid,
                             .abstraction_guid = AbstractionGuid(claim_class_),
                             .region_uuid = region_.uuid()};
  const auto updated = area.Update(label, SlotsOf(mapping, uuid_));
  RETURN_IF_ERROR(mapping.dimm->Reported(updated.status()));
  const std::optional<uint32_t> slot = *updated;
  mapping.slots.erase(uuid_);
  mapping.slots.emplace(uuid_, slot.value());
  return absl::OkStatus();
}

absl::Status Namespace::CreateAttribute(absl::string_view attribute) {
  if (attribute != "uuid") return NdDevice::CreateAttribute(attribute);
  if (labelled_)
    return Refusal(EACCES, "labels.present", absl::StrCat(name(), " has labels already"));
  return TakeLabelsIntoUse(region_);
}

absl::Status Namespace::CheckRange(absl::string_view what) const {
  engine().AssertLocked();
  if (!region_.source().page_mapped || force_raw_ ||
      (start_ % kPageMappedAlign == 0 && size_ % kPageMappedAlign == 0))
    return absl::OkStatus();
  return Refusal(EOPNOTSUPP, "namespace.page_map",
                 absl::StrCat(what,
                              ": its range is not a multiple of 2 MiB, and this region maps "
                              "pages; write 1 to force_raw"));
}

void Namespace::AttachDisk(std::shared_ptr<Media> media) {
  engine().AssertLocked();
  disk_ = Disk::Attach(*this, DiskName(), std::move(media), *region_.source().media,
                       {.block_size = block_size(),
                        .dax = region_.source().page_mapped && !force_raw_,
                        .fua = region_.source().deep_flush,
                        .flushes_caches = region_.flushes_caches(),
                        .aliases = Aliases(Uuid())});
  DisksFollowRegion();
}

void Namespace::DetachDisk() {
  engine().AssertLocked();
  if (disk_ != nullptr) disk_->Detach();
  disk_.reset();
}

DataNode* Namespace::node() const {
  engine().AssertLocked();
  if (claim_ != nullptr) return claim_->node();
  return disk_ == nullptr ? nullptr : &disk_->node();
}

void Namespace::DisksFollowRegion() {
  if (DataNode* serving = node(); serving != nullptr) serving->set_read_only(region_.read_only());
}

void Namespace::Removed() {
  region_.ForgetSeed(*this);
  region_.ids(NdKind::kNamespace).Give(id_);
}

// --- Of a region. ---

std::vector<Namespace*> NamespacesOf(const Region& region) {
  std::vector<Namespace*> namespaces;
  for (const auto& child : region.children())
    if (child->kind() == NdKind::kNamespace)
      namespaces.push_back(static_cast<Namespace*>(child.get()));
  return namespaces;
}

Namespace* FirstNamespaceOf(const Region& region) {
  const auto first =
      std::find_if(region.children().begin(), region.children().end(),
                   [](const auto& child) { return child->kind() == NdKind::kNamespace; });
  return first == region.children().end() ? nullptr : static_cast<Namespace*>(first->get());
}

Namespace* FindNamespace(const Region& region, absl::string_view name) {
  Device* device = region.nd().Find(name);
  const bool is_there =
      device != nullptr && device->kind() == NdKind::kNamespace && device->parent() == &region;
  return is_there ? static_cast<Namespace*>(device) : nullptr;
}

Namespace* NamespaceSeedOf(const Region& region) {
  return static_cast<Namespace*>(region.seed(NdKind::kNamespace));
}

absl::Status TakeLabelsIntoUse(Region& region) {
  RETURN_IF_ERROR(region.InitialiseLabels([&] {
    for (const Namespace* ns : NamespacesOf(region))
      RETURN_IF_ERROR(ns->CheckIdle("take labels into use"));
    return absl::OkStatus();
  }));
  const Driver* driver = region.driver();
  region.engine().Unbind(region);
  for (const Mapping& mapping : region.mappings()) mapping.dimm->set_label_flag();
  return region.engine().Bind(*driver, region);
}

}  // namespace nvdimmfs::core
