// SPDX-License-Identifier: Apache-2.0
#include "core/nd/region.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/event.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/labels/label_format.h"
#include "core/labels/namespace_scan.h"
#include "core/media/striped_media.h"
#include "core/model/engine.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::core {
namespace {

constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kDefaultAlign = 16 << 20;

uint64_t DefaultAlign(uint64_t region_size, size_t mappings) {
  const uint64_t ways = std::max<size_t>(1, mappings);
  const uint64_t align = region_size >= kDefaultAlign ? kDefaultAlign : kPageSize;
  return align % ways == 0 ? align : align * ways;
}

absl::Status BadSource(const Region& region, absl::string_view why) {
  return Refusal(EINVAL, "bus.source", absl::StrCat(region.name(), ": ", why));
}

SetMember MemberOf(const Mapping& mapping, const MappingSource& source) {
  const DimmIdentity& identity = mapping.dimm->source().identity;
  SetMember member{
      .region_offset = source.region_offset, .serial = identity.serial, .vendor = identity.vendor};
  const auto made = identity.manufacturing.value_or(identity.unvouched);
  member.manufacturing_date = made.date;
  member.manufacturing_location = made.location;
  return member;
}

}  // namespace

Region::Region(NdBusType& nd, Device& bus, int id, bool has_nfit, RegionSource source)
    : NdDevice(nd, NdKind::kRegion, absl::StrCat("region", id), &bus),
      has_nfit_(has_nfit),
      id_(id),
      source_(std::move(source)),
      align_(DefaultAlign(source_.spa.size, source_.mappings.size())),
      read_only_(source_.read_only) {}

absl::StatusOr<std::shared_ptr<Region>> Region::Make(NdBusType& nd, Device& bus,
                                                     absl::Span<const std::shared_ptr<Dimm>> dimms,
                                                     bool has_nfit, RegionSource source) {
  std::shared_ptr<Region> region(
      new Region(nd, bus, nd.region_ids().Take(), has_nfit, std::move(source)));
  const RegionSource& checked = region->source_;
  if (checked.media == nullptr || checked.media->size() != checked.spa.size)
    return BadSource(*region, "its bytes and its address range differ in size");
  if (checked.mappings.size() > kMaxMappings)
    return BadSource(*region, absl::StrCat("more than ", kMaxMappings, " mappings"));
  std::vector<SetMember> members;
  for (const MappingSource& mapping_source : checked.mappings) {
    if (mapping_source.dimm >= dimms.size())
      return BadSource(*region, "a mapping names a DIMM that the bus does not have");
    Mapping mapping;
    mapping.dimm = dimms[mapping_source.dimm];
    mapping.dpa = mapping_source.dpa;
    if (!Fits(mapping.dpa.start, mapping.dpa.size, mapping.dimm->source().capacity->size()))
      return BadSource(*region,
                       absl::StrCat("a mapping extends past the end of ", mapping.dimm->name()));
    members.push_back(MemberOf(mapping, mapping_source));
    region->mappings_.push_back(std::move(mapping));
  }
  region->cookies_ = checked.cookies ? *checked.cookies : ComputeSetCookies(members);
  const std::vector<uint32_t> positions = SetPositions(members);
  for (size_t i = 0; i < positions.size(); ++i) region->mappings_[i].position = positions[i];
  region->bad_bytes_ = region->CountBadBytes();
  checked.media->ObservePoison(region);
  return region;
}

int Region::nstype() const {
  for (const Mapping& mapping : mappings_)
    if (mapping.dimm->label_flag()) return 5;
  return 4;
}

uint64_t Region::set_cookie() const {
  if (mappings_.empty()) return 0;
  const DimmData* data = mappings_[0].dimm->data().get();
  return data == nullptr ? cookies_.v1_1 : data->labels.version().CookieOf(cookies_);
}

// An NFIT's ranges have a set even if their DIMMs are unknown.
bool Region::has_set() const { return has_nfit_ || !mappings_.empty(); }

bool Region::locked() const {
  return std::any_of(mappings_.begin(), mappings_.end(),
                     [](const Mapping& mapping) { return mapping.dimm->locked(); });
}

bool Region::any_dimm_unbound() const {
  return std::any_of(mappings_.begin(), mappings_.end(),
                     [](const Mapping& mapping) { return mapping.dimm->data() == nullptr; });
}

uint64_t Region::AvailableSize() const {
  if (any_dimm_unbound()) return 0;
  uint64_t available = 0;
  for (const Mapping& mapping : mappings_)
    available += mapping.dimm->data()->space.Available(mapping.dpa, dimm_align());
  return available;
}

uint64_t Region::MaxAvailableExtent() const {
  // The kernel skips DIMMs that have nothing free (or no driver) in this minimum.
  uint64_t smallest = std::numeric_limits<uint64_t>::max();
  for (const Mapping& mapping : mappings_) {
    const DimmData* data = mapping.dimm->data().get();
    const uint64_t gap = data == nullptr ? 0 : data->space.LargestGap(mapping.dpa, dimm_align());
    if (gap != 0) smallest = std::min(smallest, gap);
  }
  return smallest == std::numeric_limits<uint64_t>::max() ? 0 : smallest * mappings_.size();
}

absl::Status Region::SetAlign(uint64_t align) {
  engine().AssertLocked();
  const uint64_t ways = std::max<size_t>(1, mappings_.size());
  if (align % ways != 0 || !IsPowerOfTwo(align / ways) || align / ways < kPageSize)
    return Refusal(EINVAL, "region.align",
                   absl::StrCat("align of ", name(), ": ", align, " is not ", ways,
                                " times a power of two of at least ", kPageSize));
  if (align > size())
    return Refusal(EINVAL, "region.align",
                   absl::StrCat("align of ", name(), ": ", align, " is more than the region's ",
                                size(), " bytes"));
  align_ = align;
  return absl::OkStatus();
}

// From a label of this region; else as configured; else from the namespaces.
Uuid Region::UuidOnMedia() const {
  for (const Mapping& mapping : mappings_)
    for (const StoredRegionLabel& stored : mapping.data->labels.region_labels())
      if (stored.label.dpa == mapping.dpa.start && stored.label.rawsize == mapping.dpa.size &&
          stored.label.ways == mappings_.size() && stored.label.position == mapping.position &&
          (source_.uuid.is_nil() || stored.label.uuid == source_.uuid))
        return stored.label.uuid;
  if (!source_.uuid.is_nil()) return source_.uuid;
  for (const StoredLabel& stored : mappings_[0].data->labels.labels())
    if (mappings_[0].dpa.Contains(stored.label.dpa)) return stored.label.region_uuid;
  return Uuid();
}

RegionLabel Region::LabelFor(const Mapping& mapping) const {
  engine().AssertLocked();
  return {.uuid = uuid_,
          .ways = static_cast<uint16_t>(mappings_.size()),
          .position = static_cast<uint16_t>(mapping.position),
          .dpa = mapping.dpa.start,
          .rawsize = mapping.dpa.size,
          .hpa = source_.spa.start,
          .granularity = std::max(source_.granularity, StripedMedia::kMinGranularity)};
}

absl::StatusOr<bool> Region::HasRegionLabel(const Mapping& mapping) const {
  engine().AssertLocked();
  RegionLabel wanted = LabelFor(mapping);
  bool found = false;
  for (const StoredRegionLabel& stored : mapping.data->labels.region_labels()) {
    const RegionLabel& label = stored.label;
    const auto dpa = MakeRange(label.dpa, label.rawsize);
    if (label.uuid != uuid_ && (!dpa || !dpa->Overlaps(mapping.dpa))) continue;
    // The existing label determines address and alignment.
    wanted.hpa = label.hpa;
    wanted.align = label.align;
    wanted.flags = label.flags;
    if (label != wanted)
      return Refusal(
          ENXIO, "label.region.foreign",
          absl::StrCat("write labels of ", name(), ": the label in slot ", stored.slot, " of ",
                       mapping.dimm->name(), " assigns this part of it to region ",
                       label.uuid.ToString(), ", position ", label.position, " of ", label.ways,
                       ", which is not this one"));
    found = found || label.flags == 0;
  }
  return found;
}

absl::Status Region::WriteRegionLabels() {
  engine().AssertLocked();
  bool complete = true;
  for (const Mapping& mapping : mappings_) {
    if (!mapping.data->labels.version().has_region_labels()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const bool has_label, HasRegionLabel(mapping));
    complete = complete && has_label;
  }
  if (complete) return absl::OkStatus();
  if (uuid_.is_nil()) uuid_ = Uuid::Random();
  // Two phases, as for a namespace.
  for (const uint32_t flags : {kLabelUpdating, uint32_t{0}})
    for (Mapping& mapping : mappings_) {
      RegionLabel label = LabelFor(mapping);
      label.flags = flags;
      std::vector<uint32_t> old;
      for (const StoredRegionLabel& stored : mapping.data->labels.region_labels())
        if (stored.label.uuid == uuid_) {
          old.push_back(stored.slot);
          label.hpa = stored.label.hpa;
          label.align = stored.label.align;
        }
      RETURN_IF_ERROR(
          mapping.dimm->Reported(mapping.data->labels.UpdateRegion(label, old).status()));
    }
  return absl::OkStatus();
}

absl::Status Region::CheckLabels(absl::string_view what) const {
  for (const Mapping& mapping : mappings_) {
    const Dimm& dimm = *mapping.dimm;
    if (mapping.data == nullptr && !dimm.has_label_area()) continue;
    if (mapping.data == nullptr)
      return Refusal(ENXIO, "region.dimm_unbound",
                     absl::StrCat(what, ": the labels of ", dimm.name(), " are not read",
                                  dimm.last_error().empty() ? "" : ": ", dimm.last_error()));
    const LabelArea& labels = mapping.data->labels;
    const absl::Status status = labels.has_index() ? labels.CheckWritable() : labels.CheckBlank();
    if (!status.ok()) return Annotate(dimm.AboutLabels(status), what);
  }
  return absl::OkStatus();
}

absl::Status Region::PrepareLabels() {
  RETURN_IF_ERROR(CheckLabels("write labels"));
  for (Mapping& mapping : mappings_) {
    if (mapping.data == nullptr)
      return Refusal(ENXIO, "dimm.no_labels", absl::StrCat(mapping.dimm->name(), " has no labels"));
    if (mapping.data->labels.has_index()) continue;
    RETURN_IF_ERROR(mapping.dimm->Reported(
        mapping.data->labels.Initialise(*mapping.dimm->source().new_labels)));
  }
  return WriteRegionLabels();
}

void Region::TakeLabelData() {
  engine().AssertLocked();
  label_findings_.clear();
  for (Mapping& mapping : mappings_) mapping.data = mapping.dimm->data();
}

void Region::DropLabelData() {
  for (Mapping& mapping : mappings_) {
    mapping.data.reset();
    mapping.slots.clear();
  }
}

absl::StatusOr<std::vector<ScannedNamespace>> Region::ScanLabels() {
  engine().AssertLocked();
  ScanRegion scan{.name = name(),
                  .start = source_.spa.start,
                  .cookie = set_cookie(),
                  .alternate_cookie = cookies_.alternate,
                  .type_guid = source_.type_guid};
  for (const Mapping& mapping : mappings_) {
    if (mapping.data == nullptr)
      return Refusal(ENODEV, "region.dimm_without_labels",
                     absl::StrCat("enable ", name(), ": ", mapping.dimm->name(),
                                  " has no labels, while another DIMM of its set has"));
    scan.mappings.push_back({.dimm = mapping.dimm->name(),
                             .dpa = mapping.dpa,
                             .labels = &mapping.data->labels,
                             .space = &mapping.data->space});
  }
  scan.uuid = uuid_ = UuidOnMedia();
  ASSIGN_OR_RETURN(ScanResult result, ScanNamespaces(scan));
  for (Mapping& mapping : mappings_) mapping.slots.clear();
  for (const ScannedNamespace& found : result.namespaces)
    for (size_t i = 0; i < mappings_.size(); ++i)
      mappings_[i].slots.emplace(found.uuid, found.slots[i]);
  label_findings_ = std::move(result.findings);
  if (!label_findings_.empty())
    set_last_error(LastError::OfNote(LinesOf(label_findings_, ""), label_findings_.front().reason));
  return std::move(result.namespaces);
}

Device* Region::seed(const DeviceKind& kind) const {
  engine().AssertLocked();
  const auto found = seeds_.find(&kind);
  return found == seeds_.end() ? nullptr : found->second;
}

void Region::ForgetSeed(const Device& device) {
  engine().AssertLocked();
  if (seed(device.kind()) == &device) seeds_.erase(&device.kind());
}

absl::Status Region::InitialiseLabels(const std::function<absl::Status()>& idle) {
  if (!enabled())
    return Refusal(ENXIO, "region.disabled", absl::StrCat(name(), " is disabled; enable it first"));
  for (const Mapping& mapping : mappings_) {
    const DimmData* data = mapping.dimm->data().get();
    const auto refused = [&](absl::string_view reason, absl::string_view why) {
      return Refusal(EACCES, reason,
                     absl::StrCat(name(), " cannot hold labels: ", mapping.dimm->name(), " ", why));
    };
    if (data == nullptr) return refused("labels.none", "has no label area");
    if (data->labels.has_index()) return refused("labels.present", "already has labels");
    if (mapping.dimm->source().read_only) return refused("labels.read_only", "is read-only");
  }
  if (mappings_.empty())
    return Refusal(EACCES, "labels.none", absl::StrCat(name(), " has no DIMM, so no labels"));
  RETURN_IF_ERROR(CheckLabels(absl::StrCat("take labels of ", name(), " into use")));
  RETURN_IF_ERROR(idle());
  for (Mapping& mapping : mappings_)
    RETURN_IF_ERROR(mapping.dimm->Reported(
        mapping.dimm->data()->labels.Initialise(*mapping.dimm->source().new_labels)));
  return absl::OkStatus();
}

void Region::PoisonChanged(PoisonChange) {
  engine().NotifyChanged(*this, "badblocks");
  // The change may be outside this region, or of bytes that were bad already.
  const uint64_t bad = CountBadBytes();
  const uint64_t before = bad_bytes_.exchange(bad, std::memory_order_relaxed);
  if (bad > before)
    Report(Event::kWentBad, name(), "",
           absl::StrCat(bad - before, " bytes went bad, so ", bad, " are bad now; its file ",
                        "badblocks lists them"));
  if (bad < before)
    Report(Event::kHealed, name(), "",
           absl::StrCat(before - bad, " bad bytes were written over or cleared; ", bad,
                        " are still bad"));
}

uint64_t Region::CountBadBytes() const {
  uint64_t bytes = 0;
  for (const Range& bad : source_.media->BadRanges()) bytes += bad.size;
  return bytes;
}

void Region::Removed() { nd().region_ids().Give(id_); }

}  // namespace nvdimmfs::core
