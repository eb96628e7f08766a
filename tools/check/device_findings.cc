// SPDX-License-Identifier: Apache-2.0
#include "tools/check/device_findings.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/image_backend.h"
#include "core/base/note.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"
#include "core/nd/bus.h"
#include "core/nd/dimm.h"
#include "core/nd/namespace.h"
#include "core/nd/nd_kind.h"
#include "core/nd/region.h"
#include "core/system/system.h"

namespace nvdimmfs::tools {
namespace {

using Findings = std::vector<PlacedFinding>;

using backends::Buses;

void AddDimm(const core::Dimm& dimm, Findings& findings) {
  const core::DimmSource& source = dimm.source();
  const auto add = [&](core::Finding finding, const std::string& file) {
    const Outcome outcome = core::IsNote(finding) ? Outcome::kNote : Outcome::kFound;
    findings.push_back({dimm.name(), std::move(finding), outcome, 0, file});
  };
  for (const core::Finding& finding : source.findings) add(finding, source.description);
  for (core::Finding& finding : backends::FindLabelsElsewhere(source))
    add(std::move(finding), source.description);
  if (dimm.data() == nullptr || source.labels == nullptr) return;
  const bool elsewhere = !source.label_file.empty();
  for (core::Finding finding : dimm.data()->labels.findings()) {
    finding.offset += source.label_offset;
    if (elsewhere)
      finding.sentence = absl::StrCat("in ", source.label_file, ": ", finding.sentence);
    add(std::move(finding), elsewhere ? source.label_file : source.description);
  }
}

// Where offsets in a region count from: the start of its image if it has only one, else the
// region's own start.
uint64_t BaseOf(const core::RegionSource& region) {
  return region.mappings.size() == 1 ? region.mappings[0].dpa.start : 0;
}

// A refusal by the device model is a finding.
void AddRefusal(const core::Device& device, uint64_t offset, Findings& findings) {
  if (device.last_error().empty()) return;
  findings.push_back({device.name(), {"enable", offset, device.last_error()}});
}

void AddNamespace(const core::Namespace& ns, size_t bus, size_t region, Findings& findings,
                  std::vector<Extent>& extents) {
  if (ns.size() == 0) return;
  const core::RegionSource& source = ns.region().source();
  const uint64_t start = ns.spa().start - source.spa.start;
  // If it is enabled, CheckNamespace reports it.
  if (ns.claim() == nullptr && ns.driver() == nullptr)
    AddRefusal(ns, BaseOf(source) + start, findings);
  extents.push_back(
      {ns.name(), bus, region, {start, ns.size()}, ns.spa(), ns.uuid(), ns.claim_class()});
}

void AddRegion(const core::Region& region, Findings& findings) {
  const auto& mappings = region.mappings();
  const uint64_t labels = mappings.empty() ? 0 : mappings[0].dimm->source().label_offset;
  if (region.label_findings().empty()) AddRefusal(region, labels, findings);
  for (core::Finding finding : region.label_findings()) {
    finding.offset += labels;
    findings.push_back({region.name(), std::move(finding)});
  }
}

// Under System::WithLock.
std::vector<Extent> ExtentsOf(const std::vector<std::shared_ptr<core::Device>>& devices,
                              Findings& findings) {
  std::vector<Extent> extents;
  size_t bus = 0;
  for (const auto& device : devices) {
    if (device->kind() != core::NdKind::kBus) continue;
    const auto& shown = static_cast<const core::Bus&>(*device);
    for (const auto& dimm : shown.dimms()) {
      AddDimm(*dimm, findings);
      if (dimm->driver() == nullptr) AddRefusal(*dimm, dimm->source().label_offset, findings);
    }
    for (size_t i = 0; i < shown.regions().size(); ++i) {
      AddRegion(*shown.regions()[i], findings);
      for (const core::Namespace* ns : core::NamespacesOf(*shown.regions()[i]))
        AddNamespace(*ns, bus, i, findings, extents);
    }
    ++bus;
  }
  return extents;
}

std::vector<Extent> CollectExtents(core::System& system, Findings& findings) {
  const std::vector<std::shared_ptr<core::Device>> devices = system.Devices();
  return system.WithLock([&] { return ExtentsOf(devices, findings); });
}

}  // namespace

absl::StatusOr<std::vector<Extent>> FindInDevices(const Buses& buses,
                                                  core::SectorLayer& sector_layer,
                                                  Findings& findings) {
  core::System system(sector_layer, nullptr);
  for (const core::BusSource& bus : buses) RETURN_IF_ERROR(system.AddBus(bus));
  return CollectExtents(system, findings);
}

const core::RegionSource& RegionOf(const Buses& buses, const Extent& extent) {
  return buses[extent.bus].regions[extent.region];
}

uint64_t OffsetOf(const Buses& buses, const Extent& extent) {
  return BaseOf(RegionOf(buses, extent)) + extent.range.start;
}

absl::StatusOr<std::shared_ptr<core::Media>> MediaOf(const Buses& buses, const Extent& extent) {
  return core::MediaSlice::Make(RegionOf(buses, extent).media, extent.range);
}

absl::Status NothingRecognised() {
  return core::Refusal(
      ENODATA, "image.unknown",
      "cannot tell whether it is sound: this program recognises no labels, BTT, info block, file "
      "system or partition table in it. If it is a DIMM image with labels, give the size of its "
      "label area: label_size=128K");
}

}  // namespace nvdimmfs::tools
