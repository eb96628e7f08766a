// SPDX-License-Identifier: Apache-2.0
#include "tools/list/listing.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/json.h"
#include "core/base/status.h"
#include "core/listing/bad_range_listing.h"
#include "core/listing/namespace_listing.h"
#include "core/listing/ndctl_json.h"
#include "core/nd/nd_kind.h"
#include "tools/list/firmware_listing.h"

namespace nvdimmfs::tools {
namespace {

using core::NdKind;

// The default selection: the kinds that are filtered by, else namespaces; then the additions of -v.
ListingOptions Complete(ListingOptions options) {
  if (!options.buses && !options.dimms && !options.regions && !options.namespaces) {
    options.buses = options.filter.bus.has_value();
    options.dimms = options.filter.dimm.has_value();
    options.regions = options.filter.region.has_value();
  }
  const bool other = options.buses || options.dimms || options.regions;
  if (options.verbose >= 3)
    options.idle = options.capabilities = options.health = options.firmware = true;
  if (options.verbose >= 2) options.buses = options.dimms = options.regions = true;
  if (options.verbose >= 1 || !other) options.namespaces = true;
  if (options.verbose >= 1) options.media_errors = true;
  return options;
}

core::Json DimmJson(const core::DeviceView& dimm, const ListingOptions& options,
                    const core::NumberFormat& format) {
  static constexpr std::pair<const char*, const char*> kFlags[] = {
      {"map_fail", "flag_failed_map"},     {"save_fail", "flag_failed_save"},
      {"not_armed", "flag_failed_arm"},    {"restore_fail", "flag_failed_restore"},
      {"flush_fail", "flag_failed_flush"}, {"smart_event", "flag_smart_event"},
  };
  core::Json json;
  json["dev"] = dimm.name();
  for (const char* attribute : {"nfit/id", "cxl/id"})
    if (const auto id = dimm.Text(attribute)) json["id"] = *id;
  if (const auto handle = dimm.Number("nfit/handle")) json["handle"] = format.Hex(*handle);
  if (const auto phys_id = dimm.Number("nfit/phys_id")) json["phys_id"] = format.Hex(*phys_id);
  if (!dimm.enabled()) json["state"] = "disabled";
  const std::vector<std::string> set = absl::StrSplit(dimm.Text("nfit/flags").value_or(""), ' ');
  for (const auto& [flag, key] : kFlags)
    if (std::find(set.begin(), set.end(), flag) != set.end()) json[key] = true;
  if (const auto security = dimm.Text("security")) json["security"] = *security;
  if (dimm.Number("frozen").value_or(0) != 0) json["security_frozen"] = true;
  if (options.firmware)
    if (core::Json firmware = FirmwareJson(dimm, format); !firmware.is_null())
      json["firmware"] = std::move(firmware);
  if (options.health)
    if (core::Json health = HealthJson(dimm); !health.is_null()) json["health"] = std::move(health);
  return json;
}

// The last mapping first, as in ndctl.
core::Json MappingsJson(const core::DeviceView& region, const core::NumberFormat& format) {
  core::Json mappings = core::Json::EmptyArray();
  for (uint64_t i = region.Number("mappings").value_or(0); i-- > 0;) {
    // DIMM, DPA, bytes, position
    const std::vector<std::string> parts =
        absl::StrSplit(region.Text(absl::StrCat("mapping", i)).value_or(""), ',');
    uint64_t offset, length, position;
    if (parts.size() != 4 || !absl::SimpleAtoi(parts[1], &offset) ||
        !absl::SimpleAtoi(parts[2], &length) || !absl::SimpleAtoi(parts[3], &position))
      continue;
    core::Json mapping;
    mapping["dimm"] = parts[0];
    mapping["offset"] = format.Hex(offset);
    mapping["length"] = format.Hex(length);
    mapping["position"] = position;
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

// What the region's seeds could become; only known if each of them exists.
core::Json CapabilitiesJson(const core::DeviceView& region) {
  static constexpr struct {
    const char *seed, *attribute, *mode, *key;
    const core::DeviceKind& kind;
  } kKinds[] = {
      {"btt_seed", "sector_size", "sector", "sector_sizes", NdKind::kBtt},
      {"pfn_seed", "supported_alignments", "fsdax", "alignments", NdKind::kPfn},
      {"dax_seed", "supported_alignments", "devdax", "alignments", NdKind::kDax},
  };
  core::Json capabilities = core::Json::EmptyArray();
  for (const auto& kind : kKinds) {
    const std::string name = region.Text(kind.seed).value_or("");
    for (const core::DeviceView& seed : region.Children(kind.kind)) {
      if (seed.name() != name) continue;
      core::Json capability;
      capability["mode"] = kind.mode;
      capability[kind.key] = core::Json::ArrayOf(seed.Choices(kind.attribute));
      capabilities.push_back(std::move(capability));
    }
  }
  return capabilities.size() == std::size(kKinds) ? capabilities : core::Json::EmptyArray();
}

core::Json RegionJson(const core::DeviceView& region, const ListingOptions& options,
                      const core::NumberFormat& format) {
  // Only regions with labels can be divided.
  const bool labelled = region.Number("nstype") == 5;
  core::Json json;
  json["dev"] = region.name();
  for (const char* key : {"size", "align"})
    if (const auto size = region.Number(key)) json[key] = format.Size(*size);
  // Without labels ndctl does not check.
  for (const char* key : {"available_size", "max_available_extent"})
    if (const auto size = region.Number(key)) json[key] = format.Size(labelled ? *size : 0);
  json["type"] = "pmem";
  if (options.verbose > 0)
    for (const char* key : {"numa_node", "target_node"})
      if (const auto node = region.Node(key); node && *node >= 0) json[key] = *node;
  if (const auto cookie = region.Number("set_cookie"); labelled && cookie && *cookie != 0)
    json["iset_id"] = format.Cookie(*cookie);
  if (options.dimms)
    if (core::Json mappings = MappingsJson(region, format); !mappings.empty())
      json["mappings"] = std::move(mappings);
  if (!region.enabled()) json["state"] = "disabled";
  if (options.media_errors) core::AddBadRanges(core::ReadBadRanges(region), region, true, json);
  if (options.capabilities)
    if (core::Json capabilities = CapabilitiesJson(region); !capabilities.empty())
      json["capabilities"] = std::move(capabilities);
  json["persistence_domain"] = region.Text("persistence_domain").value_or("unknown");
  return json;
}

// The contents of one level of the output: the whole listing, or everything below a bus.
struct Level {
  core::Json dimms = core::Json::EmptyArray();
  core::Json regions = core::Json::EmptyArray();
  core::Json namespaces = core::Json::EmptyArray();
  bool namespaces_below = false;  // in a region
};

class Lister {
 public:
  Lister(const ListingOptions& options, const ListingFilter& filter)
      : options_(options), filter_(filter), format_(options.human) {}

  void AddBus(const core::DeviceView& bus) {
    if (!filter_.Takes(bus)) return;
    if (!options_.buses) return AddBelow(bus, top_);
    core::Json json;
    if (const auto provider = bus.Text("provider")) json["provider"] = *provider;
    json["dev"] = bus.name();
    if (const auto scrub = bus.Text("nfit/scrub")) {
      json["scrub_state"] = absl::StrContains(*scrub, '+') ? "active" : "idle";
      if (options_.firmware)
        if (core::Json activation = ActivationJson(bus); !activation.is_null())
          json["firmware"] = std::move(activation);
    }
    Level level;
    AddBelow(bus, level);
    if (!level.dimms.empty()) json["dimms"] = std::move(level.dimms);
    if (!level.regions.empty()) json["regions"] = std::move(level.regions);
    if (!level.namespaces.empty()) json["namespaces"] = std::move(level.namespaces);
    buses_.push_back(std::move(json));
  }

  // An array for one kind of objects, else an object of arrays.
  std::string Text() {
    if (options_.buses) return Text(std::move(buses_));
    const int kinds = !top_.dimms.empty() + !top_.regions.empty() +
                      (!top_.namespaces.empty() || top_.namespaces_below);
    if (kinds < 2)
      return Text(!top_.dimms.empty()     ? std::move(top_.dimms)
                  : !top_.regions.empty() ? std::move(top_.regions)
                                          : std::move(top_.namespaces));
    core::Json json;
    if (!top_.dimms.empty()) json["dimms"] = std::move(top_.dimms);
    if (!top_.regions.empty()) json["regions"] = std::move(top_.regions);
    if (!top_.namespaces.empty()) json["namespaces"] = std::move(top_.namespaces);
    return core::WriteNdctlJson(json) + "\n";
  }

 private:
  std::string Text(core::Json array) const {
    if (array.empty()) return {};
    return core::WriteNdctlJson(options_.human && array.size() == 1 ? array.array()[0] : array) +
           "\n";
  }

  void AddBelow(const core::DeviceView& bus, Level& level) {
    if (options_.dimms)
      for (const core::DeviceView& dimm : bus.Children(NdKind::kDimm))
        if ((options_.idle || dimm.enabled()) && filter_.TakesDimm(bus, dimm))
          level.dimms.push_back(DimmJson(dimm, options_, format_));
    for (const core::DeviceView& region : bus.Children(NdKind::kRegion)) AddRegion(region, level);
  }

  void AddRegion(const core::DeviceView& region, Level& level) {
    if (!filter_.TakesRegion(region)) return;
    core::Json namespaces = options_.namespaces ? NamespacesJson(region) : core::Json::EmptyArray();
    if (!options_.regions) {
      for (const core::Json& json : namespaces.array()) level.namespaces.push_back(json);
      return;
    }
    if (!options_.idle && !region.enabled()) return;
    core::Json json = RegionJson(region, options_, format_);
    if (!namespaces.empty()) {
      json["namespaces"] = std::move(namespaces);
      level.namespaces_below = true;
    }
    level.regions.push_back(std::move(json));
  }

  core::Json NamespacesJson(const core::DeviceView& region) const {
    std::vector<core::BadRange> bad;
    if (options_.media_errors) bad = core::ReadBadRanges(region);
    const core::NamespaceDetail detail = {.device_dax = options_.device_dax || options_.verbose > 0,
                                          .media_errors = options_.media_errors ? &bad : nullptr,
                                          .verbose = options_.verbose > 0};
    core::Json namespaces = core::Json::EmptyArray();
    for (const core::DeviceView& child : region.Children(NdKind::kNamespace)) {
      if (!filter_.TakesNamespace(child)) continue;
      const core::NamespaceView ns(region, child);
      if (ns.enabled() || options_.idle || (options_.configured && ns.configured()))
        namespaces.push_back(ns.ToJson(detail, format_));
    }
    return namespaces;
  }

  const ListingOptions& options_;
  const ListingFilter& filter_;
  const core::NumberFormat format_;
  core::Json buses_ = core::Json::EmptyArray();
  Level top_;
};

std::vector<core::DeviceView> Buses(const std::vector<std::shared_ptr<core::Device>>& devices) {
  // The order is that of the control devices, by which ndctl finds its buses.
  std::vector<core::DeviceView> controls;
  for (const auto& device : devices)
    if (device->kind() == NdKind::kControl) controls.emplace_back(*device);
  core::SortAsNdctl(controls);
  std::vector<core::DeviceView> buses;
  for (const core::DeviceView& control : controls) buses.emplace_back(*control.device().parent());
  return buses;
}

}  // namespace

absl::StatusOr<std::string> List(core::System& system, const ListingOptions& wanted) {
  ASSIGN_OR_RETURN(ListingFilter filter, ListingFilter::Make(wanted.filter));
  const ListingOptions options = Complete(wanted);
  if (wanted.device_dax && !wanted.namespaces && !filter.has_mode()) filter.set_mode("dax");
  const auto devices = system.Devices();
  return system.WithLock([&] {
    Lister lister(options, filter);
    for (const core::DeviceView& bus : Buses(devices)) lister.AddBus(bus);
    return lister.Text();
  });
}

}  // namespace nvdimmfs::tools
