// SPDX-License-Identifier: Apache-2.0
#include "backends/nfit/nfit_topology.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status.h"
#include "core/media/striped_media.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {
namespace {

using core::Range;
using core::Refusal;

constexpr uint64_t kPage = 4096;
// There is no memory in the upper half of the address space.
constexpr uint64_t kEndOfAddresses = uint64_t{1} << 62;

enum class RangeKind { kMemory, kVolatileMemory, kDisk, kVolatileDisk, kControl, kOther };

RangeKind KindOf(const core::Uuid& guid) {
  static constexpr std::pair<absl::string_view, RangeKind> kKinds[] = {
      {kPersistentMemory, RangeKind::kMemory},   {kVolatileMemory, RangeKind::kVolatileMemory},
      {kPersistentDisk, RangeKind::kDisk},       {kPersistentCd, RangeKind::kDisk},
      {kVolatileDisk, RangeKind::kVolatileDisk}, {kVolatileCd, RangeKind::kVolatileDisk},
      {kControlRegionRange, RangeKind::kControl}};
  for (const auto& [text, kind] : kKinds)
    if (core::Uuid::Parse(text) == guid) return kind;
  return RangeKind::kOther;
}

RangeKind KindOf(const NfitSpaRange& range) {
  return KindOf(core::Uuid::FromGuidOrder(range.type_guid));
}

absl::Status Bad(int error, absl::string_view reason, uint32_t offset, absl::string_view why) {
  return Refusal(error, reason, absl::StrCat("NFIT: structure at offset ", offset, ": ", why));
}

class Deriver {
 public:
  explicit Deriver(const NfitTable& table) : table_(table) {}

  absl::StatusOr<NfitTopology> Run() {
    RETURN_IF_ERROR(CheckIndices());
    RETURN_IF_ERROR(CollectDimms());
    for (const NfitSpaRange& range : table_.ranges) RETURN_IF_ERROR(AddRange(range));
    RETURN_IF_ERROR(CheckOverlaps());
    topology_.revision = table_.revision;
    topology_.persistence_domain = Domain();
    topology_.notes.insert(topology_.notes.begin(), table_.notes.begin(), table_.notes.end());
    return std::move(topology_);
  }

 private:
  // What is known about a DIMM while its maps are processed.
  struct Gathered {
    const NfitMemoryMap* by_control =
        nullptr;  // the map for a control region range, or for no range
    const NfitMemoryMap* by_memory = nullptr;  // the last map for a persistent memory range
    const NfitControlRegion* control = nullptr;
    const NfitMemoryMap* first() const { return by_control != nullptr ? by_control : by_memory; }
  };

  absl::Status CheckIndices() const;
  absl::Status CollectDimms();
  absl::Status Gather(const NfitMemoryMap& map, RangeKind kind);
  NfitDimm MakeDimm(uint32_t handle, const Gathered& gathered) const;
  absl::Status AddRange(const NfitSpaRange& range);
  absl::Status AddMappings(const NfitSpaRange& range, NfitRegion& region);
  absl::Status CheckSet(const NfitSpaRange& range, NfitRegion& region);
  void FindGranularity(const std::vector<const NfitMemoryMap*>& maps, NfitRegion& region) const;
  std::optional<uint64_t> GranularityOf(const NfitMemoryMap& map, size_t ways) const;
  absl::Status CheckOverlaps() const;
  core::PersistenceDomain Domain() const;

  const NfitTable& table_;
  std::map<uint32_t, Gathered> gathered_;          // by handle
  std::map<uint32_t, size_t> dimm_numbers_;        // likewise
  std::vector<std::pair<Range, uint32_t>> taken_;  // addresses, and the structure's offset
  NfitTopology topology_;
};

absl::Status Deriver::CheckIndices() const {
  std::map<uint16_t, uint32_t> seen;  // range index -> offset
  for (const NfitSpaRange& range : table_.ranges) {
    if (range.range_index == 0) continue;
    const auto [first, is_new] = seen.emplace(range.range_index, range.offset);
    if (!is_new)
      return Bad(EINVAL, "nfit.range", range.offset,
                 absl::StrCat("the range at offset ", first->second, " has its range index ",
                              range.range_index, ", too"));
  }
  return absl::OkStatus();
}

absl::Status Deriver::Gather(const NfitMemoryMap& map, RangeKind kind) {
  Gathered& dimm = gathered_[map.device_handle];
  for (const NfitControlRegion& control : table_.controls) {
    if (control.index != map.control_index) continue;
    // A DIMM may have one for each interface; the one with block windows is more complete.
    if (dimm.control == nullptr || (dimm.control->windows == 0 && control.windows != 0))
      dimm.control = &control;
    break;
  }
  if (map.control_index != 0 && dimm.control == nullptr)
    return Bad(ENODEV, "nfit.control_region", map.offset,
               absl::StrCat("memory device ", map.device_handle, " refers to control region ",
                            map.control_index, ", which the table does not have"));
  (kind == RangeKind::kMemory ? dimm.by_memory : dimm.by_control) = &map;
  return absl::OkStatus();
}

absl::Status Deriver::CollectDimms() {
  for (const NfitSpaRange& range : table_.ranges) {
    const RangeKind kind = KindOf(range);
    if (kind != RangeKind::kMemory && kind != RangeKind::kControl) continue;
    for (const NfitMemoryMap& map : table_.maps)
      if (map.range_index == range.range_index) RETURN_IF_ERROR(Gather(map, kind));
  }
  for (const NfitMemoryMap& map : table_.maps)
    if (map.range_index == 0) RETURN_IF_ERROR(Gather(map, RangeKind::kOther));
  for (const auto& [handle, gathered] : gathered_) {
    dimm_numbers_[handle] = topology_.dimms.size();
    topology_.dimms.push_back(MakeDimm(handle, gathered));
  }
  return absl::OkStatus();
}

NfitDimm Deriver::MakeDimm(uint32_t handle, const Gathered& gathered) const {
  NfitDimm dimm;
  dimm.identity.handle = handle;
  dimm.identity.phys_id = gathered.first()->physical_id;
  dimm.mapped = gathered.by_memory != nullptr;
  for (const NfitMemoryMap& map : table_.maps)
    if (map.device_handle == handle) dimm.state_flags |= map.state_flags;
  for (const NfitFlushHints& flush : table_.flushes)
    if (flush.device_handle == handle) {
      dimm.flush_hints = flush.hint_count;
      break;
    }
  if (gathered.control == nullptr) return dimm;
  const NfitControlRegion& control = *gathered.control;
  dimm.has_control_region = true;
  dimm.identity.vendor = control.vendor_id;
  dimm.identity.device = control.device_id;
  dimm.identity.revision = control.revision_id;
  dimm.identity.subsystem_vendor = control.subsystem_vendor_id;
  dimm.identity.subsystem_device = control.subsystem_device_id;
  dimm.identity.subsystem_revision = control.subsystem_revision_id;
  const core::DimmIdentity::Manufacturing made{.location = control.manufacturing_location,
                                               .date = control.manufacturing_date};
  if ((control.valid_fields & NfitControlRegion::kManufacturingValid) != 0)
    dimm.identity.manufacturing = made;
  else
    dimm.identity.unvouched = made;
  dimm.identity.serial = control.serial_number;
  dimm.identity.interface_code = control.interface_code;
  return dimm;
}

absl::Status Deriver::AddRange(const NfitSpaRange& range) {
  const RangeKind kind = KindOf(range);
  if (kind == RangeKind::kControl || kind == RangeKind::kOther) {
    if (kind == RangeKind::kOther)
      topology_.notes.push_back(
          {"nfit.skipped", range.offset,
           absl::StrCat(
               "NFIT: range at offset ", range.offset, " skipped: a ",
               core::Uuid::FromGuidOrder(range.type_guid) == core::Uuid::Parse(kBlockDataWindow)
                   ? "block data window"
                   : "type that is unknown",
               ", which does not form a region")});
    return absl::OkStatus();
  }
  const bool disk = kind == RangeKind::kDisk || kind == RangeKind::kVolatileDisk;
  if (range.range_index == 0 && !disk) {
    topology_.notes.push_back(
        {"nfit.skipped", range.offset,
         absl::StrCat("NFIT: range at offset ", range.offset, " skipped: its range index is 0")});
    return absl::OkStatus();
  }
  if (range.length == 0 || range.address % kPage != 0 || range.length % kPage != 0 ||
      range.address >= kEndOfAddresses || range.length > kEndOfAddresses - range.address)
    return Bad(EINVAL, "nfit.range", range.offset,
               absl::StrFormat("%u bytes at address 0x%x: needs whole pages of %u bytes below 2^62",
                               range.length, range.address, kPage));
  NfitRegion region;
  region.spa = {range.address, range.length};
  region.range_index = range.range_index;
  region.type_guid = core::Uuid::FromGuidOrder(range.type_guid);
  region.is_volatile = kind == RangeKind::kVolatileMemory || kind == RangeKind::kVolatileDisk;
  if ((range.flags & NfitSpaRange::kProximityValid) != 0)
    region.node = static_cast<int>(std::min<uint32_t>(range.proximity_domain, INT16_MAX));
  if (!disk) RETURN_IF_ERROR(AddMappings(range, region));  // a virtual disk has no DIMMs
  taken_.push_back({region.spa, range.offset});
  topology_.regions.push_back(std::move(region));
  return absl::OkStatus();
}

absl::Status Deriver::AddMappings(const NfitSpaRange& range, NfitRegion& region) {
  std::vector<const NfitMemoryMap*> maps;
  for (const NfitMemoryMap& map : table_.maps) {
    if (map.range_index != range.range_index) continue;
    if (maps.size() == core::kMaxMappings)
      return Bad(ENXIO, "nfit.mappings", map.offset,
                 absl::StrCat("more than ", core::kMaxMappings, " memory devices in range ",
                              range.range_index));
    const auto number = dimm_numbers_.find(map.device_handle);
    if (number == dimm_numbers_.end())
      return Bad(ENODEV, "nfit.dimm", map.offset,
                 absl::StrFormat(
                     "range %u needs memory device 0x%x, which is not in any persistent memory "
                     "or control region range",
                     range.range_index, map.device_handle));
    if (map.region_size == 0 || map.dpa % kPage != 0 || map.region_size % kPage != 0 ||
        map.dpa >= kEndOfAddresses || map.region_size > kEndOfAddresses - map.dpa)
      return Bad(EINVAL, "nfit.range", map.offset,
                 absl::StrFormat("%u bytes at DPA 0x%x: needs whole pages of %u bytes below 2^62",
                                 map.region_size, map.dpa, kPage));
    NfitDimm& dimm = topology_.dimms[number->second];
    dimm.capacity = std::max(dimm.capacity, map.dpa + map.region_size);
    region.mappings.push_back({.dimm = number->second,
                               .dpa = {map.dpa, map.region_size},
                               .region_offset = map.region_offset});
    maps.push_back(&map);
  }
  if (maps.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckSet(range, region));
  FindGranularity(maps, region);
  return absl::OkStatus();
}

absl::Status Deriver::CheckSet(const NfitSpaRange& range, NfitRegion& region) {
  uint64_t sum = 0;  // cannot wrap: 32 times 2^62 would, so each is held against the range first
  for (size_t i = 0; i < region.mappings.size(); ++i) {
    const core::MappingSource& mapping = region.mappings[i];
    if (mapping.dpa.size > range.length || sum > range.length - mapping.dpa.size)
      return Bad(EINVAL, "nfit.range", range.offset,
                 absl::StrCat("its memory devices hold more than its ", range.length, " bytes"));
    sum += mapping.dpa.size;
    for (size_t other = 0; other < i; ++other)
      if (region.mappings[other].dimm == mapping.dimm)
        return Bad(EINVAL, "nfit.range", range.offset,
                   absl::StrFormat("it has memory device 0x%x twice",
                                   topology_.dimms[mapping.dimm].identity.handle));
  }
  if (sum != range.length)
    return Bad(EINVAL, "nfit.range", range.offset,
               absl::StrCat("its memory devices hold ", sum, " bytes, it has ", range.length));
  return absl::OkStatus();
}

// Line i of the part lies at region offset + line_offsets[i mod count] lines; whole rounds of
// count * ways lines follow each other. That is stripes of `run` lines where the offsets go up by
// one within a run and skip the other DIMMs' lines between runs.
std::optional<uint64_t> Deriver::GranularityOf(const NfitMemoryMap& map, size_t ways) const {
  for (const NfitInterleave& interleave : table_.interleaves) {
    if (interleave.index != map.interleave_index) continue;
    const auto& lines = interleave.line_offsets;
    if (lines.empty() || interleave.line_size == 0 || lines[0] != 0) return std::nullopt;
    size_t run = 1;
    while (run < lines.size() && lines[run] == run) ++run;
    if (lines.size() % run != 0) return std::nullopt;
    for (size_t i = 0; i < lines.size(); ++i)
      if (lines[i] != i / run * run * ways + i % run) return std::nullopt;
    return uint64_t{run} * interleave.line_size;
  }
  return std::nullopt;
}

void Deriver::FindGranularity(const std::vector<const NfitMemoryMap*>& maps,
                              NfitRegion& region) const {
  region.odd_interleave = maps[0]->offset;
  const size_t ways = maps.size();
  if (ways == 1) {
    region.granularity = kPage;  // of one stripe only
    return;
  }
  std::optional<uint64_t> granularity;
  std::vector<uint64_t> offsets;
  for (const NfitMemoryMap* map : maps) {
    const auto own = GranularityOf(*map, ways);
    region.odd_interleave = map->offset;
    if (!own || (granularity && *granularity != *own)) return;
    if (map->interleave_ways != ways || map->region_size != maps[0]->region_size) return;
    granularity = own;
    offsets.push_back(map->region_offset);
  }
  if (!core::IsPowerOfTwo(*granularity) || *granularity < core::StripedMedia::kMinGranularity ||
      maps[0]->region_size % *granularity != 0)
    return;
  // The members start one stripe after the other, whatever their order.
  std::sort(offsets.begin(), offsets.end());
  for (size_t i = 0; i < ways; ++i)
    if (offsets[i] != i * *granularity) return;
  region.granularity = *granularity;
}

absl::Status Deriver::CheckOverlaps() const {
  std::vector<std::pair<Range, uint32_t>> sorted = taken_;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first.start < b.first.start; });
  for (size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i].first.Overlaps(sorted[i - 1].first))
      return Bad(EINVAL, "nfit.range", sorted[i].second,
                 absl::StrCat("its addresses are in part those of the range at offset ",
                              sorted[i - 1].second));
  // DPA of one DIMM likewise.
  std::map<size_t, std::vector<Range>> parts;
  for (const NfitRegion& region : topology_.regions)
    for (const core::MappingSource& mapping : region.mappings)
      parts[mapping.dimm].push_back(mapping.dpa);
  for (auto& [dimm, ranges] : parts) {
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.start < b.start; });
    for (size_t i = 1; i < ranges.size(); ++i)
      if (ranges[i].Overlaps(ranges[i - 1]))
        return Refusal(EINVAL, "nfit.range",
                       absl::StrFormat("NFIT: two ranges have the same DPA 0x%x of memory device "
                                       "0x%x",
                                       ranges[i].start, topology_.dimms[dimm].identity.handle));
  }
  return absl::OkStatus();
}

core::PersistenceDomain Deriver::Domain() const {
  uint32_t capabilities = 0;
  for (const NfitCapabilities& found : table_.capabilities) {
    const uint32_t valid = found.highest >= 31 ? UINT32_MAX : (uint32_t{2} << found.highest) - 1;
    capabilities = found.capabilities & valid;  // the last one counts
  }
  if ((capabilities & NfitCapabilities::kCacheFlush) != 0)
    return core::PersistenceDomain::kCpuCache;
  if ((capabilities & NfitCapabilities::kMemoryFlush) != 0)
    return core::PersistenceDomain::kMemoryController;
  return core::PersistenceDomain::kUnknown;
}

}  // namespace

absl::StatusOr<NfitTopology> DeriveTopology(const NfitTable& table) { return Deriver(table).Run(); }

}  // namespace nvdimmfs::backends
