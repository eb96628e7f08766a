// SPDX-License-Identifier: Apache-2.0
#include "backends/topology/topology.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backends/guest_layout.h"
#include "backends/kernel_key_ring.h"
#include "backends/qemu_slot.h"
#include "backends/sources/preset_source.h"
#include "backends/state_file.h"
#include "backends/topology/toml_reader.h"
#include "core/base/kernel.h"
#include "core/base/range.h"
#include "core/base/status.h"
#include "core/commands/bus_command_format.h"
#include "core/labels/label_format.h"
#include "core/media/striped_media.h"
#include "core/sources/cxl_regions.h"

namespace nvdimmfs::backends {
namespace {

using core::BusSource;
using core::DimmSource;
using core::MappingSource;
using core::Range;
using core::RegionSource;

constexpr uint64_t kPage = 4096;
// Each costs memory and descriptors. More than any machine has.
constexpr uint32_t kMostDimms = 1024;
constexpr int kMostRegions = 1024;
constexpr uint64_t kMostGranularity = uint64_t{1} << 30;
constexpr uint64_t kDefaultGranularity = 4096;
// ACPI: the persistent memory range type.

template <typename T>
void Assign(std::optional<int64_t> number, T& to) {
  if (number) to = static_cast<T>(*number);
}

template <typename T>
void ReadNumber(TomlReader& table, absl::string_view key, T& to) {
  Assign(table.Number(key, 0, std::numeric_limits<T>::max()), to);
}

// Builds the buses, table by table. Addresses and slots are counted over the whole file.
class Builder {
 public:
  Builder(const std::string& path, const ImageOptions& options)
      : path_(path), directory_(std::filesystem::path(path).parent_path()), options_(options) {}

  std::optional<BusSource> Bus(TomlReader& table);
  // Buses that this program creates itself, before all others, because their addresses are fixed.
  std::optional<Buses> Preset(TomlReader& table);

 private:
  std::string PathOf(const std::string& image) const {
    return (directory_ / std::filesystem::path(image)).string();
  }

  void Dimm(TomlReader& table, BusSource& bus);
  void Firmware(TomlReader& table, const std::optional<std::string>& image, DimmSource* dimm);
  std::optional<DimmSource> OpenDimm(TomlReader& table);
  std::optional<DimmSource> MissingDimm(const std::string& name, std::optional<uint64_t> size,
                                        TomlReader& table);
  void Region(TomlReader& table, BusSource& bus);
  void RegionOverDimms(TomlReader& table, BusSource& bus, RegionSource& region);
  void RegionOverImage(TomlReader& table, RegionSource& region);
  void SetCxlCookies(RegionSource& region) const;
  std::vector<MappingSource> Mappings(TomlReader& table, const BusSource& bus,
                                      uint64_t granularity);
  void Mapping(TomlReader& table, absl::string_view key, const std::string& dimm, Range dpa,
               std::optional<uint64_t> offset, std::vector<MappingSource>& mappings);
  void CheckMappings(TomlReader& table, const BusSource& bus,
                     const std::vector<MappingSource>& mappings);
  void Layout(TomlReader& table);
  void Place(TomlReader& table, std::optional<uint64_t> spa, RegionSource& region);
  core::AddressChoice Choice(absl::string_view rule) const;
  uint64_t NextAddress() const;
  bool IsFreeAddress(Range spa) const;
  std::vector<size_t> Unmentioned(const BusSource& bus) const;
  void AddLabelledRegions(BusSource& bus);
  void AddUnmentioned(BusSource& bus);

  const std::string path_;
  const std::filesystem::path directory_;
  const ImageOptions options_;
  uint32_t dimms_ = 0;        // so far, in the file
  int regions_ = 0;           // likewise
  std::vector<Range> taken_;  // system physical addresses

  // State of the current bus.
  bool cxl_ = false;
  AddressLayout layout_;
  std::vector<uint64_t> serials_;  // of each DIMM
  std::map<std::string, size_t> by_name_;
  std::vector<std::vector<Range>> mapped_;  // DPA ranges used by regions, for each DIMM
};

void ReadIdentity(TomlReader& table, core::DimmIdentity& identity) {
  ReadNumber(table, "handle", identity.handle);
  ReadNumber(table, "phys_id", identity.phys_id);
  ReadNumber(table, "vendor", identity.vendor);
  ReadNumber(table, "device", identity.device);
  ReadNumber(table, "revision", identity.revision);
  ReadNumber(table, "subsystem_vendor", identity.subsystem_vendor);
  ReadNumber(table, "subsystem_device", identity.subsystem_device);
  ReadNumber(table, "subsystem_revision", identity.subsystem_revision);
  ReadNumber(table, "interface_code", identity.interface_code);
  core::DimmIdentity::Manufacturing made;
  const auto date = table.Number("manufacturing_date", 0, UINT16_MAX);
  const auto location = table.Number("manufacturing_location", 0, UINT8_MAX);
  Assign(date, made.date);
  Assign(location, made.location);
  if (date || location) identity.manufacturing = made;
}

void ReadPoison(TomlReader& table, core::Media* media) {
  for (TomlReader& entry : table.Tables("poison")) {
    const auto offset = entry.Size("offset");
    const auto length = entry.Size("length");
    if (entry.Finish().ok() && (!offset || length.value_or(0) == 0))
      entry.Refuse("", "poison needs an offset and a length of at least 1 byte");
    if (!table.status().ok() || media == nullptr) return;
    if (const absl::Status bad = media->InjectPoison({*offset, *length}); !bad.ok())
      entry.Refuse("", core::Annotate(bad, "poison"));
  }
}

// Whether to accept a file that begins like another image format.
bool IsRaw(TomlReader& table) {
  const auto format = table.Text("format");
  if (format && *format != "raw")
    table.Refuse("format", "only \"raw\": the bytes of the file are those of the DIMM");
  return format.has_value();
}

// The QEMU slot that gives the DIMM's default identity; `number` is the DIMM's own.
uint32_t ReadSlot(TomlReader& table, uint32_t number) {
  return static_cast<uint32_t>(table.Number("slot", 0, backends::kQemuSlots - 1).value_or(number));
}

std::optional<DimmSource> Builder::MissingDimm(const std::string& name,
                                               std::optional<uint64_t> size, TomlReader& table) {
  if (!size || *size == 0 || *size % kPage != 0) {
    table.Refuse("size", "a missing DIMM needs a size, a multiple of 4096 bytes");
    return std::nullopt;
  }
  auto nothing = core::StripedMedia::Make({{nullptr, name}}, kPage, *size);
  if (!nothing.ok()) {
    table.Refuse("size", nothing.status());
    return std::nullopt;
  }
  return DimmSource{.description = name,
                    .capacity = *std::move(nothing),
                    .labels = nullptr,
                    .missing = true,
                    .identity = QemuIdentity(dimms_)};
}

std::optional<DimmSource> Builder::OpenDimm(TomlReader& table) {
  ImageOptions options = options_;
  const auto image = table.Text("image");
  options.label_size = table.Size("label_size");
  options.hide_labels = table.Flag("hide_labels").value_or(false);
  options.raw = IsRaw(table);
  if (const auto labels = table.Text("labels")) options.labels = PathOf(*labels);
  options.read_only = table.Flag("read_only").value_or(false) || options_.read_only;
  const bool missing = table.Flag("missing").value_or(false);
  const auto size = table.Size("size");
  if (!table.status().ok()) return std::nullopt;
  if (missing) return MissingDimm(image ? PathOf(*image) : "the image", size, table);
  options.size = size;
  if (!image) table.Refuse("", "a DIMM needs an image, or missing = true and a size");
  if (!table.status().ok()) return std::nullopt;
  auto opened = OpenImage(PathOf(*image), dimms_, options);
  if (opened.ok()) return *std::move(opened);
  const bool absent = core::ErrnoOf(opened.status()) == ENOENT;
  table.Refuse("image",
               absent ? core::Refusal(ENOENT, core::ReasonOf(opened.status()),
                                      absl::StrCat(opened.status().message(),
                                                   "; to see the rest without it, write missing = "
                                                   "true and its size"))
                      : opened.status());
  return std::nullopt;
}

// Sets up the firmware that runs the DIMM's commands.
void Builder::Firmware(TomlReader& table, const std::optional<std::string>& image,
                       DimmSource* dimm) {
  const std::string family = table.Text("family").value_or("qemu");
  const auto state = table.Text("state");
  if (family != "qemu" && family != "intel")
    table.Refuse("family",
                 "needs \"qemu\" (labels only) or \"intel\" (health, firmware, security)");
  if (cxl_ && family == "intel")
    table.Refuse("family", "a DIMM of a CXL bus has no NVDIMM command family");
  if (state && family != "intel")
    table.Refuse("state", "requires family = \"intel\"; other families keep no state");
  if (!table.status().ok() || dimm == nullptr || family == "qemu" || dimm->missing) return;
  auto firmware = core::intel::Firmware::PowerOn(
      {.store = StateFile(PathOf(state.value_or(*image + ".state")), dimm->read_only),
       .passphrase_tries = core::intel::kPassphraseTries,
       .keys = KernelKeyRing()});
  if (!firmware.ok())
    return table.Refuse(
        state ? "state" : "family",
        core::Annotate(firmware.status(), PathOf(state.value_or(*image + ".state"))));
  dimm->firmware = *std::move(firmware);
}

void Builder::Dimm(TomlReader& table, BusSource& bus) {
  if (dimms_ == kMostDimms)
    return table.Refuse("", absl::StrCat("more than ", kMostDimms, " DIMMs in the file"));
  const auto name = table.Text("name");
  const auto image = table.Text("image");
  std::optional<DimmSource> dimm = OpenDimm(table);
  core::DimmIdentity identity = QemuIdentity(ReadSlot(table, dimms_));
  ReadIdentity(table, identity);
  uint64_t serial = identity.serial;
  Assign(table.Number("serial", 0, cxl_ ? std::numeric_limits<int64_t>::max() : UINT32_MAX),
         serial);
  identity.serial = static_cast<uint32_t>(serial);
  const auto label_format = table.Text("label_format");
  if (label_format && *label_format != "efi" && *label_format != "cxl")
    table.Refuse("label_format", "needs \"efi\" or \"cxl\"");
  ReadPoison(table, dimm ? dimm->capacity.get() : nullptr);
  Firmware(table, image, dimm ? &*dimm : nullptr);
  if (!table.Finish().ok()) return;
  dimm->identity = identity;
  dimm->labelling = cxl_;
  if (cxl_) dimm->cxl = core::CxlIdentity{serial, absl::StrCat("pmem", dimms_)};
  if (label_format.value_or("efi") == "cxl") dimm->new_labels = &core::LabelV2_1();
  serials_.push_back(serial);
  const std::string called = name.value_or(image.value_or(""));
  if (!called.empty() && !by_name_.emplace(called, bus.dimms.size()).second)
    table.Refuse(name ? "name" : "image",
                 absl::StrCat("another DIMM of this bus is called \"", called, "\""));
  for (size_t i = 0; i < bus.dimms.size(); ++i)
    if (bus.dimms[i].identity.handle == dimm->identity.handle)
      table.Refuse("handle", absl::StrCat(dimm->identity.handle, " is already that of DIMM ", i,
                                          " of this bus"));
  bus.dimms.push_back(*std::move(dimm));
  mapped_.emplace_back();
  ++dimms_;
}

// Adds a mapping; `key` is the key that names the DIMM.
void Builder::Mapping(TomlReader& table, absl::string_view key, const std::string& dimm, Range dpa,
                      std::optional<uint64_t> offset, std::vector<MappingSource>& mappings) {
  const auto found = by_name_.find(dimm);
  if (found == by_name_.end()) {
    std::vector<std::string> names;
    for (const auto& [known, index] : by_name_) names.push_back(known);
    table.Refuse(key, absl::StrCat("this bus has no DIMM \"", dimm, "\"",
                                   names.empty() ? "" : "; it has ", absl::StrJoin(names, ", ")));
    return;
  }
  mappings.push_back(
      {.dimm = found->second, .dpa = dpa, .region_offset = offset.value_or(UINT64_MAX)});
}

std::vector<MappingSource> Builder::Mappings(TomlReader& table, const BusSource& bus,
                                             uint64_t granularity) {
  std::vector<MappingSource> mappings;
  for (const std::string& dimm : table.Texts("dimms"))
    Mapping(table, "dimms", dimm, {}, std::nullopt, mappings);
  for (TomlReader& entry : table.Tables("mapping")) {
    const auto dimm = entry.Text("dimm");
    const uint64_t start = entry.Size("dpa_offset").value_or(0);
    const auto size = entry.Size("dpa_size");
    const auto offset = entry.Size("region_offset");
    if (entry.Finish().ok() && !dimm) entry.Refuse("", "a mapping needs a dimm");
    if (size == uint64_t{0}) entry.Refuse("dpa_size", "dpa_size: needs a multiple of 4096");
    if (!table.status().ok()) return {};
    Mapping(entry, "dimm", *dimm, {start, size.value_or(0)}, offset, mappings);
  }
  if (!table.status().ok()) return {};
  // The default size: as much as every member of the set has from its offset on.
  uint64_t room = std::numeric_limits<uint64_t>::max();
  for (const MappingSource& mapping : mappings) {
    const uint64_t capacity = bus.dimms[mapping.dimm].capacity->size();
    if (mapping.dpa.size != 0) room = std::min(room, mapping.dpa.size);
    room = std::min(room, capacity - std::min(capacity, mapping.dpa.start));
  }
  for (size_t i = 0; i < mappings.size(); ++i) {
    if (mappings[i].dpa.size == 0) mappings[i].dpa.size = core::RoundDown(room, granularity);
    if (mappings[i].region_offset == UINT64_MAX) mappings[i].region_offset = i * granularity;
  }
  CheckMappings(table, bus, mappings);
  return mappings;
}

void Builder::CheckMappings(TomlReader& table, const BusSource& bus,
                            const std::vector<MappingSource>& mappings) {
  for (size_t i = 0; i < mappings.size(); ++i) {
    const MappingSource& mapping = mappings[i];
    const DimmSource& dimm = bus.dimms[mapping.dimm];
    if (mapping.dpa.empty() || mapping.dpa.start % kPage != 0 || mapping.dpa.size % kPage != 0 ||
        !core::Fits(mapping.dpa.start, mapping.dpa.size, dimm.capacity->size()))
      return table.Refuse(
          "", absl::StrCat("a mapping of ", mapping.dpa.size, " bytes at DPA ", mapping.dpa.start,
                           " of ", dimm.description, ": it needs multiples of ", kPage,
                           " within the DIMM's ", dimm.capacity->size(), " bytes"));
    for (size_t other = 0; other < i; ++other) {
      if (mappings[other].dimm == mapping.dimm)
        return table.Refuse("", absl::StrCat(dimm.description, " is in this region twice"));
      if (mappings[other].region_offset == mapping.region_offset)
        return table.Refuse("", "two DIMMs of this region have the same region_offset");
    }
    for (const Range& range : mapped_[mapping.dimm])
      if (range.Overlaps(mapping.dpa))
        return table.Refuse(
            "", absl::StrCat("DPA ", mapping.dpa.start, " to ", mapping.dpa.end(), " of ",
                             dimm.description, ": another region has some of it"));
  }
}

void Builder::RegionOverDimms(TomlReader& table, BusSource& bus, RegionSource& region) {
  const uint64_t granularity = table.Size("granularity").value_or(kDefaultGranularity);
  if (table.status().ok() &&
      (!core::IsPowerOfTwo(granularity) || granularity < core::StripedMedia::kMinGranularity ||
       granularity > kMostGranularity))
    table.Refuse("granularity", "needs a power of two from 256 to 1G");
  if (!table.status().ok()) return;
  region.mappings = Mappings(table, bus, granularity);
  region.granularity = granularity;
  if (cxl_) SetCxlCookies(region);
  if (!table.status().ok()) return;
  auto media = core::StripeMappings(bus.dimms, region.mappings, granularity);
  if (!media.ok()) return table.Refuse("", media.status());
  region.media = *std::move(media);
  for (const MappingSource& mapping : region.mappings) {
    mapped_[mapping.dimm].push_back(mapping.dpa);
    region.read_only = region.read_only || bus.dimms[mapping.dimm].read_only;
  }
}

// A CXL region's mappings are in the order of its targets, and so is its cookie.
void Builder::SetCxlCookies(RegionSource& region) const {
  std::vector<core::CxlSetMember> members;
  for (const MappingSource& mapping : region.mappings)
    members.push_back({.dpa = mapping.dpa.start, .serial = serials_[mapping.dimm]});
  region.cookies = core::ComputeCxlCookies(members);
}

void Builder::RegionOverImage(TomlReader& table, RegionSource& region) {
  const auto image = table.Text("image");
  ImageOptions options = options_;
  options.label_size = 0;
  options.hide_labels = table.Flag("hide_labels").value_or(false);
  options.raw = IsRaw(table);
  if (!table.status().ok()) return;
  auto opened = OpenImage(PathOf(*image), 0, options);
  if (!opened.ok()) return table.Refuse("image", opened.status());
  region.media = std::move(opened->capacity);
  region.page_mapped = true;
  region.read_only = opened->read_only;
}

void Builder::Place(TomlReader& table, std::optional<uint64_t> spa, RegionSource& region) {
  const uint64_t start = spa.value_or(NextAddress());
  if (!IsRegionAddress(start, region.media->size()))
    return table.Refuse("spa", "needs a multiple of 4096 below 2^62");
  region.address = Choice(spa ? "its `spa` is" : layout_.description());
  region.spa = {start, region.media->size()};
  for (const Range& range : taken_)
    if (range.Overlaps(region.spa))
      return table.Refuse("spa", absl::StrCat("the region would have addresses ", start, " to ",
                                              region.spa.end(), ", some of which are taken"));
  taken_.push_back(region.spa);
}

std::optional<core::PersistenceDomain> ReadDomain(TomlReader& table) {
  const auto domain = table.Text("persistence_domain");
  if (!domain) return std::nullopt;
  if (*domain == "unknown") return core::PersistenceDomain::kUnknown;
  if (*domain == "cpu_cache") return core::PersistenceDomain::kCpuCache;
  if (*domain == "memory_controller") return core::PersistenceDomain::kMemoryController;
  table.Refuse("persistence_domain", "needs \"cpu_cache\", \"memory_controller\" or \"unknown\"");
  return std::nullopt;
}

void Builder::Region(TomlReader& table, BusSource& bus) {
  if (regions_ >= kMostRegions)
    return table.Refuse("", absl::StrCat("more than ", kMostRegions, " regions in the file"));
  RegionSource region;
  const int kinds = table.Has("image") + table.Has("dimms") + table.Has("mapping");
  if (kinds != 1) table.Refuse("", "a region needs one of: dimms, [[bus.region.mapping]], image");
  if (table.Has("image"))
    RegionOverImage(table, region);
  else
    RegionOverDimms(table, bus, region);
  if (table.Flag("read_only").value_or(false)) region.read_only = true;
  region.page_mapped = table.Flag("page_mapped").value_or(region.page_mapped);
  Assign(table.Number("numa_node", -1, INT16_MAX), region.numa_node);
  Assign(table.Number("target_node", -1, INT16_MAX), region.target_node);
  region.range_index = 2 * ++regions_;
  Assign(table.Number("range_index", 0, UINT16_MAX), region.range_index);
  if (cxl_) region.persistence_domain = core::PersistenceDomain::kMemoryController;
  region.persistence_domain = ReadDomain(table).value_or(region.persistence_domain);
  const std::string type = (cxl_ ? core::Uuid() : core::kPmemRangeGuid).ToString();
  const auto guid = core::Uuid::Parse(table.Text("type_guid").value_or(type));
  if (!guid) table.Refuse("type_guid", "needs a UUID");
  const auto uuid = core::Uuid::Parse(table.Text("uuid").value_or(core::Uuid().ToString()));
  if (!uuid) table.Refuse("uuid", "needs a UUID");
  const auto spa = table.Size("spa");
  ReadPoison(table, region.media.get());
  if (!table.Finish().ok()) return;
  region.type_guid = *guid;
  region.uuid = *uuid;
  Place(table, spa, region);
  if (table.status().ok()) bus.regions.push_back(std::move(region));
}

// The addresses of the bus's regions without `spa`.
void Builder::Layout(TomlReader& table) {
  layout_ = AddressLayout();
  const auto machine = table.Text("layout");
  const auto memory = table.Size("memory");
  if (!table.status().ok()) return;
  if (memory && !machine)
    return table.Refuse("memory", "requires layout: it is the memory of QEMU's guest (-m)");
  if (!machine) return;
  if (!IsGuestMemory(memory.value_or(kGuestMemory)))
    return table.Refuse("memory", "needs the value of QEMU's -m: a multiple of 1M, at most 4096T");
  const auto layout = AddressLayout::Of(*machine, memory.value_or(kGuestMemory));
  if (!layout)
    return table.Refuse("layout", "needs \"qemu\" (-machine q35) or \"qemu-pc\" (-machine pc)");
  layout_ = *layout;
}

// For refusals that depend on the address.
core::AddressChoice Builder::Choice(absl::string_view rule) const {
  return {.rule = absl::StrCat("in ", path_, " ", rule),
          .before = "give this [[bus.region]] spa = ",
          .after = ", or its [[bus]] layout = \"qemu\" and the guest's memory"};
}

// The first address that the layout gives after all regions so far.
uint64_t Builder::NextAddress() const {
  uint64_t taken = 0;
  for (const Range& range : taken_) taken = std::max(taken, range.end());
  return layout_.NextAddress(taken);
}

bool Builder::IsFreeAddress(Range spa) const {
  return spa.start != 0 && spa.start % kPage == 0 && spa.start <= kMostAddress &&
         spa.size <= kMostAddress &&
         std::none_of(taken_.begin(), taken_.end(),
                      [&](const Range& range) { return range.Overlaps(spa); });
}

std::vector<size_t> Builder::Unmentioned(const BusSource& bus) const {
  std::vector<size_t> indices;
  for (size_t i = 0; i < bus.dimms.size(); ++i)
    if (mapped_[i].empty()) indices.push_back(i);
  return indices;
}

// Adds the regions that the devices' labels describe. Devices of incomplete regions get none.
void Builder::AddLabelledRegions(BusSource& bus) {
  core::CxlRegions found = core::AssembleCxlRegions(bus.dimms, Unmentioned(bus));
  for (RegionSource& region : found.regions) {
    SetCxlCookies(region);
    region.range_index = 2 * ++regions_;
    region.address = Choice("its labels say so");
    if (!IsFreeAddress(region.spa)) {
      region.spa.start = NextAddress();
      region.address = Choice(layout_.description());
    }
    taken_.push_back(region.spa);
    bus.regions.push_back(std::move(region));
  }
  for (const size_t dimm : found.spoken_for)
    mapped_[dimm].push_back({0, bus.dimms[dimm].capacity->size()});
}

// A DIMM that no region mentions gets its own region, as in QEMU.
void Builder::AddUnmentioned(BusSource& bus) {
  if (cxl_) AddLabelledRegions(bus);
  const std::vector<size_t> indices = Unmentioned(bus);
  std::vector<DimmSource> alone;
  for (const size_t i : indices) alone.push_back(bus.dimms[i]);
  for (RegionSource& region : core::QemuBus(std::move(alone)).regions) {
    region.mappings[0].dimm = indices[region.mappings[0].dimm];
    if (cxl_) {
      SetCxlCookies(region);
      region.type_guid = core::Uuid();
      region.persistence_domain = core::PersistenceDomain::kMemoryController;
    }
    region.range_index = 2 * ++regions_;
    region.spa.start = NextAddress();
    region.address = Choice(layout_.description());
    taken_.push_back(region.spa);
    bus.regions.push_back(std::move(region));
  }
}

std::optional<Buses> Builder::Preset(TomlReader& table) {
  const std::string name = table.Text("preset").value_or("");
  if (!table.Finish().ok()) return std::nullopt;
  absl::StatusOr<Buses> buses =
      OpenPreset({.name = name, .options = {}, .read_only = options_.read_only});
  if (!buses.ok()) {
    table.Refuse("preset", buses.status());
    return std::nullopt;
  }
  for (const BusSource& bus : *buses)
    for (const RegionSource& region : bus.regions) {
      if (!IsFreeAddress(region.spa)) {
        table.Refuse("preset", absl::StrCat("another preset has the addresses of \"", name,
                                            "\"; a file can have only one of them"));
        return std::nullopt;
      }
      taken_.push_back(region.spa);
    }
  return *std::move(buses);
}

std::optional<BusSource> Builder::Bus(TomlReader& table) {
  by_name_.clear();
  mapped_.clear();
  BusSource bus;
  const auto provider = table.Text("provider");
  const auto nfit = table.Flag("nfit");
  cxl_ = table.Flag("cxl").value_or(provider.value_or("") == "CXL");
  serials_.clear();
  bus.scrubs = table.Flag("scrub").value_or(false);
  Layout(table);
  for (TomlReader& dimm : table.Tables("dimm"))
    if (table.status().ok()) Dimm(dimm, bus);
  for (TomlReader& region : table.Tables("region"))
    if (table.status().ok()) Region(region, bus);
  if (!table.Finish().ok()) return std::nullopt;
  AddUnmentioned(bus);
  if (bus.regions.empty() && bus.dimms.empty()) {
    table.Refuse("", "a bus needs a [[bus.dimm]] or a [[bus.region]]");
    return std::nullopt;
  }
  bus.provider = provider.value_or(bus.dimms.empty() ? "e820" : "ACPI.NFIT");
  bus.has_nfit = nfit.value_or(bus.provider == "ACPI.NFIT");
  if (bus.scrubs && !bus.has_nfit) {
    table.Refuse("scrub", "requires an NFIT bus: nfit = true");
    return std::nullopt;
  }
  if (bus.scrubs) bus.functions = core::kAllBusFunctions;
  return bus;
}

core::Kernel ReadKernel(TomlReader& file) {
  const std::optional<std::string> name = file.Text("kernel");
  if (!name) return core::kDefaultKernel;
  const std::optional<core::Kernel> kernel = core::FindKernel(*name);
  if (!kernel)
    file.Refuse("kernel", absl::StrCat("needs ", core::kKernelChoices.text(), ", as a string"));
  return kernel.value_or(core::kDefaultKernel);
}

absl::StatusOr<std::vector<BusSource>> BuildTopology(TomlReader& file, const std::string& path,
                                                     const ImageOptions& options) {
  const core::Kernel kernel = ReadKernel(file);
  Builder builder(path, options);
  std::vector<TomlReader> tables = file.Tables("bus");
  std::vector<std::optional<Buses>> made(tables.size());
  for (size_t i = 0; i < tables.size(); ++i) {
    if (tables[i].Has("preset")) made[i] = builder.Preset(tables[i]);
    RETURN_IF_ERROR(file.status());
  }
  std::vector<BusSource> buses;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (!made[i]) {
      std::optional<BusSource> bus = builder.Bus(tables[i]);
      RETURN_IF_ERROR(file.status());
      made[i].emplace().push_back(*std::move(bus));
    }
    std::move(made[i]->begin(), made[i]->end(), std::back_inserter(buses));
  }
  if (file.Finish().ok() && buses.empty()) file.Refuse("", "the file has no [[bus]]");
  RETURN_IF_ERROR(file.status());
  for (BusSource& bus : buses) bus.kernel = kernel;
  return buses;
}

}  // namespace

absl::StatusOr<std::vector<BusSource>> OpenTopology(const std::string& path,
                                                    const ImageOptions& options) {
  ASSIGN_OR_RETURN(TomlReader file, TomlReader::Open(path));
  return BuildTopology(file, path, options);
}

absl::StatusOr<std::vector<BusSource>> ParseTopology(absl::string_view text,
                                                     const std::string& path,
                                                     const ImageOptions& options) {
  ASSIGN_OR_RETURN(TomlReader file, TomlReader::Parse(text, path));
  return BuildTopology(file, path, options);
}

}  // namespace nvdimmfs::backends
