// SPDX-License-Identifier: Apache-2.0
#include "core/listing/namespace_listing.h"

#include "core/base/range.h"
#include "core/base/uuid.h"
#include "core/dax/dax_kind.h"
#include "core/model/bus_type.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::core {
namespace {

// Looked up by name: a region may have thousands of claims, and this is called for each namespace.
std::optional<DeviceView> FindClaim(const DeviceView& ns) {
  const std::string holder = ns.Text("holder").value_or("");
  Device* claim = ns.device().bus_type()->Find(holder);
  return claim == nullptr ? std::nullopt : std::optional<DeviceView>(*claim);
}

// ndctl cannot express "no uuid".
std::string UuidOrNil(const std::string& text) { return text.empty() ? Uuid().ToString() : text; }

}  // namespace

NamespaceView::NamespaceView(const DeviceView& region, const DeviceView& ns)
    : region_(region), ns_(ns), claim_(FindClaim(ns)) {}

bool NamespaceView::configured() const {
  if (ns_.Number("size").value_or(0) == 0) return false;
  const std::optional<std::string> label = ns_.Text("uuid");
  return !label || !label->empty();
}

std::string NamespaceView::mode() const {
  const std::string mode = ns_.Text("mode").value_or("");
  if (mode == "safe") return "sector";
  if (mode == "memory") return "fsdax";
  return mode == "dax" ? "devdax" : mode;
}

std::optional<std::string> NamespaceView::map() const {
  const std::string mode = ns_.Text("mode").value_or("");
  if (mode != "memory" && mode != "dax") return std::nullopt;
  // The kernel maps unclaimed memory of some platforms with page structs in memory.
  const std::string where = claim_ ? claim_->Text("mode").value_or("none") : "ram";
  return where == "ram" ? "mem" : where == "pmem" ? "dev" : "none";
}

std::optional<uint64_t> NamespaceView::size() const { return server().Number("size"); }

std::optional<std::string> NamespaceView::uuid() const {
  const std::optional<std::string> uuid = server().Text("uuid");
  return uuid ? std::optional<std::string>(UuidOrNil(*uuid)) : std::nullopt;
}

std::optional<uint64_t> NamespaceView::sector_size() const {
  if (claim_ && claim_->device().kind() == NdKind::kBtt) return claim_->Choice("sector_size");
  if (claim_ && claim_->device().kind() == NdKind::kDax) return std::nullopt;
  return ns_.Choice("sector_size").value_or(512);
}

std::optional<uint64_t> NamespaceView::align() const {
  if (!claim_ || claim_->device().kind() == NdKind::kBtt) return std::nullopt;
  return claim_->Number("align");
}

std::optional<std::string> NamespaceView::blockdev() const {
  const std::optional<DeviceView> disk = server().Child(NdKind::kBlock);
  return disk ? std::optional<std::string>(disk->name()) : std::nullopt;
}

std::optional<std::string> NamespaceView::chardev() const {
  const std::optional<DeviceView> instance = server().Child(DaxKind::kInstance);
  return instance ? std::optional<std::string>(instance->name()) : std::nullopt;
}

Json NamespaceView::DaxRegion(const NumberFormat& format) const {
  Json dax;
  const std::optional<DeviceView> dax_region = claim_->Child(DaxKind::kRegion);
  // It has the region's number, which is known even if nothing is enabled.
  dax["id"] = std::stoull(ns_.device().parent()->name().substr(sizeof("region") - 1));
  if (!dax_region) return dax;
  if (const auto size = dax_region->Number("size")) dax["size"] = format.Size(*size);
  if (const auto align = dax_region->Number("align")) dax["align"] = *align;
  for (const DeviceView& instance : claim_->Children(DaxKind::kInstance)) {
    Json device;
    device["chardev"] = instance.name();
    device["size"] = format.Size(instance.Number("size").value_or(0));
    if (const auto node = instance.Node("target_node"); node && *node >= 0)
      device["target_node"] = *node;
    if (const auto align = instance.Number("align")) device["align"] = *align;
    device["mode"] = "devdax";
    dax["devices"].push_back(std::move(device));
  }
  return dax;
}

void NamespaceView::AddMediaErrors(const std::vector<BadRange>& all, Json& json) const {
  // ndctl lists the region's for a raw namespace.
  if (!claim_) return AddBadRanges(all, region_, true, json);
  const bool is_btt = claim_->device().kind() == NdKind::kBtt;
  const DeviceView& owner = is_btt ? ns_ : *claim_;
  const auto region_start = region_.Number("resource");
  const auto start = owner.Number("resource");
  const auto bytes = owner.Number("size");
  if (!region_start || !start || !bytes || *start < *region_start) return;
  const Range part = {*start - *region_start, *bytes};
  // The position of a bad block in a BTT's data is unknown: blocks move.
  AddBadRanges(PartOf(all, part), region_, !is_btt, json);
}

Json NamespaceView::ToJson(const NamespaceDetail& detail, const NumberFormat& format) const {
  const bool is_dax = claim_ && claim_->device().kind() == NdKind::kDax;
  Json json;
  json["dev"] = ns_.name();
  json["mode"] = mode();
  if (const auto where = map()) json["map"] = *where;
  if (const auto bytes = size()) json["size"] = format.Size(*bytes);
  if (const auto id = uuid()) json["uuid"] = *id;
  if (const auto label = ns_.Text("uuid"); detail.verbose && claim_ && label)
    json["raw_uuid"] = UuidOrNil(*label);
  if (is_dax && detail.device_dax)
    json["daxregion"] = DaxRegion(format);
  else if (const auto name = chardev())
    json["chardev"] = *name;
  if (const auto bytes = sector_size()) json["sector_size"] = *bytes;
  if (const auto bytes = align()) json["align"] = *bytes;
  if (const auto name = blockdev()) json["blockdev"] = *name;
  if (!enabled()) json["state"] = "disabled";
  if (const auto name = ns_.Text("alt_name"); name && !name->empty()) json["name"] = *name;
  if (detail.verbose)
    for (const char* node : {"numa_node", "target_node"})
      if (const auto number = ns_.Node(node); number && *number >= 0) json[node] = *number;
  if (detail.media_errors != nullptr) AddMediaErrors(*detail.media_errors, json);
  return json;
}

}  // namespace nvdimmfs::core
