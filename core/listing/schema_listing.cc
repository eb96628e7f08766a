// SPDX-License-Identifier: Apache-2.0
#include "core/listing/schema_listing.h"

#include <memory>
#include <optional>
#include <utility>

#include "core/base/input.h"
#include "core/base/json.h"
#include "core/base/utf8.h"
#include "core/listing/namespace_listing.h"
#include "core/nd/bus.h"
#include "core/nd/dimm.h"
#include "core/nd/namespace.h"
#include "core/nd/nd_kind.h"
#include "core/nd/region.h"

namespace nvdimmfs::core {
namespace {

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

// Numbers of 64 significant bits do not survive every JSON reader.
Json Hex(uint64_t value) { return FormatHex(value); }
Json UuidOrNull(const Uuid& uuid) { return uuid.is_nil() ? Json() : Json(uuid.ToString()); }
Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

void AddFindings(const char* where, const std::vector<Finding>& findings, Json& out) {
  for (const Finding& finding : findings)
    out.push_back({{"where", where},
                   {"offset", finding.offset},
                   {"reason", finding.reason},
                   {"sentence", finding.sentence}});
}

Json SlotsJson(const LabelArea& area) {
  Json slots = Json::EmptyArray();
  for (const StoredLabel& stored : area.labels()) {
    const NamespaceLabel& label = stored.label;
    slots.push_back({{"slot", stored.slot},
                     {"offset", area.slot_offset(stored.slot)},
                     {"uuid", label.uuid.ToString()},
                     {"name", label.name},
                     {"flags", label.flags},
                     {"position", label.position},
                     {"labels_in_set", label.nlabel},
                     {"cookie", Hex(label.isetcookie)},
                     {"sector_size", label.lbasize},
                     {"dpa", label.dpa},
                     {"size", label.rawsize},
                     {"type_guid", UuidOrNull(label.type_guid)},
                     {"abstraction_guid", UuidOrNull(label.abstraction_guid)},
                     {"region_uuid", UuidOrNull(label.region_uuid)}});
  }
  return slots;
}

Json RegionSlotsJson(const LabelArea& area) {
  Json slots = Json::EmptyArray();
  for (const StoredRegionLabel& stored : area.region_labels()) {
    const RegionLabel& label = stored.label;
    slots.push_back({{"slot", stored.slot},
                     {"offset", area.slot_offset(stored.slot)},
                     {"uuid", label.uuid.ToString()},
                     {"flags", label.flags},
                     {"position", label.position},
                     {"ways", label.ways},
                     {"granularity", label.granularity},
                     {"address", label.hpa},
                     {"dpa", label.dpa},
                     {"size", label.rawsize}});
  }
  return slots;
}

Json LabelAreaJson(const Dimm& dimm) {
  if (!dimm.has_label_area()) return Json();
  const LabelArea* area = dimm.data() == nullptr ? nullptr : &dimm.data()->labels;
  const bool indexed = area != nullptr && area->has_index();
  const auto if_indexed = [indexed](auto value) { return indexed ? Json(value()) : Json(); };
  return {{"size", dimm.source().labels->size()},
          {"state", area == nullptr ? Json() : Json(std::string(NameOf(area->verdict())))},
          {"version", if_indexed([&] { return area->number().ToString(); })},
          {"label_size", if_indexed([&] { return area->label_size(); })},
          {"slots", if_indexed([&] { return area->slot_count(); })},
          {"free_slots", if_indexed([&] { return area->free_slots(); })},
          {"current_index", if_indexed([&] { return area->current(); })},
          {"sequence", if_indexed([&] { return area->sequence(); })},
          {"labels", indexed ? SlotsJson(*area) : Json::EmptyArray()},
          {"region_labels", indexed ? RegionSlotsJson(*area) : Json::EmptyArray()}};
}

Json DimmJson(const Dimm& dimm, const DeviceView& view) {
  Json extents = Json::EmptyArray();
  Json findings = Json::EmptyArray();
  AddFindings("source", dimm.source().findings, findings);
  if (dimm.data() != nullptr) {
    for (const DpaExtent& extent : dimm.data()->space.extents())
      extents.push_back({{"dpa", extent.dpa.start},
                         {"size", extent.dpa.size},
                         {"owner", extent.owner.ToString()}});
    AddFindings("labels", dimm.data()->labels.findings(), findings);
  }
  const std::optional<std::string> id = view.Text("nfit/id");
  return {{"dev", dimm.name()},
          {"id", OrNull(id ? id : view.Text("cxl/id"))},
          {"handle", OrNull(view.Number("nfit/handle"))},
          {"phys_id", OrNull(view.Number("nfit/phys_id"))},
          {"size", dimm.source().capacity->size()},
          {"enabled", view.enabled()},
          {"last_error", TextOrNull(dimm.LatestError().Text())},
          {"label_area", LabelAreaJson(dimm)},
          {"extents", std::move(extents)},
          {"findings", std::move(findings)}};
}

Json ExtentsJson(const Namespace& ns) {
  Json extents = Json::EmptyArray();
  for (const Mapping& mapping : ns.region().mappings()) {
    if (!ns.labelled()) {
      extents.push_back(
          {{"dimm", mapping.dimm->name()}, {"dpa", mapping.dpa.start}, {"size", mapping.dpa.size}});
      continue;
    }
    if (mapping.data == nullptr || ns.uuid().is_nil()) continue;
    for (const DpaExtent& extent : mapping.data->space.ExtentsOf(ns.uuid()))
      extents.push_back(
          {{"dimm", mapping.dimm->name()}, {"dpa", extent.dpa.start}, {"size", extent.dpa.size}});
  }
  return extents;
}

Json NamespaceJson(const Namespace& ns, const NamespaceView& view) {
  const auto id = view.uuid();
  const bool has_id = id && *id != Uuid().ToString();
  return {{"dev", ns.name()},
          {"name", TextOrNull(ns.alt_name())},
          {"mode", view.mode()},
          {"map", OrNull(view.map())},
          {"enabled", view.enabled()},
          {"size", OrNull(view.size())},
          {"raw_size", ns.size()},
          {"uuid", has_id ? Json(*id) : Json()},
          {"raw_uuid", UuidOrNull(ns.uuid())},
          {"sector_size", OrNull(view.sector_size())},
          {"align", OrNull(view.align())},
          {"claim", view.claim() ? Json(view.claim()->name()) : Json()},
          {"blockdev", OrNull(view.blockdev())},
          {"chardev", OrNull(view.chardev())},
          {"address", ns.size() == 0 ? Json() : Json(ns.spa().start)},
          {"extents", ExtentsJson(ns)},
          {"last_error", TextOrNull(view.server().device().LatestError().Text())}};
}

Json RegionJson(const Region& region, const DeviceView& view) {
  Json mappings = Json::EmptyArray();
  for (const Mapping& mapping : region.mappings())
    mappings.push_back({{"dimm", mapping.dimm->name()},
                        {"dpa", mapping.dpa.start},
                        {"size", mapping.dpa.size},
                        {"position", mapping.position}});
  Json namespaces = Json::EmptyArray();
  for (const Namespace* ns : NamespacesOf(region)) {
    const DeviceView child(const_cast<Namespace&>(*ns));
    namespaces.push_back(NamespaceJson(*ns, NamespaceView(view, child)));
  }
  return {{"dev", region.name()},
          {"size", region.size()},
          {"address", region.source().spa.start},
          {"align", region.align()},
          {"available_size", region.AvailableSize()},
          {"max_available_extent", region.MaxAvailableExtent()},
          {"labelled", region.nstype() == 5},
          {"cookie", region.mappings().empty() ? Json() : Hex(region.set_cookie())},
          {"numa_node", region.source().numa_node},
          {"target_node", region.source().target_node},
          {"persistence_domain", view.Text("persistence_domain").value_or("unknown")},
          {"enabled", view.enabled()},
          {"last_error", TextOrNull(region.LatestError().Text())},
          {"mappings", std::move(mappings)},
          {"namespaces", std::move(namespaces)}};
}

Json BusJson(Bus& bus, const std::string& source) {
  Json dimms = Json::EmptyArray();
  for (const auto& dimm : bus.dimms()) dimms.push_back(DimmJson(*dimm, DeviceView(*dimm)));
  Json regions = Json::EmptyArray();
  for (const auto& region : bus.regions())
    regions.push_back(RegionJson(*region, DeviceView(*region)));
  return {{"dev", bus.name()},
          {"provider", bus.provider()},
          {"source", source},
          {"dimms", std::move(dimms)},
          {"regions", std::move(regions)}};
}

std::string TextOf(Json buses) {
  const Json listing = {{"schema", 1}, {"buses", std::move(buses)}};
  return EscapeJson(listing.Indented()) + "\n";
}

}  // namespace

std::string ListInSchema1(System& system, const std::vector<std::string>& sources) {
  const auto devices = system.Devices();
  return TextOf(system.WithLock([&] {
    Json buses = Json::EmptyArray();
    for (const auto& device : devices)
      if (device->kind() == NdKind::kBus)
        buses.push_back(BusJson(static_cast<Bus&>(*device),
                                buses.size() < sources.size() ? sources[buses.size()] : ""));
    return buses;
  }));
}

std::string ListInSchema1(Bus& bus, const std::string& source) {
  Json buses = Json::EmptyArray();
  buses.push_back(BusJson(bus, source));
  return TextOf(std::move(buses));
}

}  // namespace nvdimmfs::core
