// SPDX-License-Identifier: Apache-2.0
#include "tools/check/image_check.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/image_backend.h"
#include "backends/sources/source.h"
#include "btt/btt_layer.h"
#include "core/base/note.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "core/media/media_slice.h"
#include "core/media/overlay_media.h"
#include "core/nd/bus.h"
#include "core/nd/dimm.h"
#include "core/nd/namespace.h"
#include "core/nd/nd_kind.h"
#include "core/nd/region.h"
#include "core/system/system.h"
#include "tools/check/label_check.h"
#include "tools/check/namespace_check.h"
#include "tools/check/repair_log.h"

namespace nvdimmfs::tools {
namespace {

using Findings = std::vector<PlacedFinding>;

using backends::Buses;

absl::StatusOr<Buses> Open(backends::Source source, bool read_only, bool force) {
  if (read_only) source.set_read_only();
  if (force) source.PutDefaults({{"force", ""}});
  return source.Open();
}

void AddDimm(const core::Dimm& dimm, Findings& findings) {
  const core::DimmSource& source = dimm.source();
  for (const core::Finding& finding : source.findings)
    findings.push_back(
        {dimm.name(), finding, core::IsNote(finding) ? Outcome::kNote : Outcome::kFound});
  for (core::Finding& finding : backends::FindLabelsElsewhere(source))
    findings.push_back({dimm.name(), std::move(finding)});
  if (dimm.data() == nullptr || source.labels == nullptr) return;
  const uint64_t area_start = source.label_offset;
  for (core::Finding finding : dimm.data()->labels.findings()) {
    finding.offset += area_start;
    if (!source.label_file.empty())
      finding.sentence = absl::StrCat("in ", source.label_file, ": ", finding.sentence);
    findings.push_back({dimm.name(), std::move(finding)});
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

const core::RegionSource& RegionOf(const Buses& buses, const Extent& extent) {
  return buses[extent.bus].regions[extent.region];
}

// `found` counts offsets from the start of the namespace.
void AddPlaced(const Buses& buses, const Extent& extent, std::vector<core::Finding> found,
               Outcome outcome, Findings& findings) {
  for (core::Finding& finding : found) {
    finding.offset += BaseOf(RegionOf(buses, extent)) + extent.range.start;
    findings.push_back({extent.name, std::move(finding), outcome});
  }
}

absl::StatusOr<std::shared_ptr<core::Media>> MediaOf(const Buses& buses, const Extent& extent) {
  return core::MediaSlice::Make(RegionOf(buses, extent).media, extent.range);
}

absl::Status CheckExtent(const Buses& buses, const Extent& extent, Findings& findings) {
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> media, MediaOf(buses, extent));
  AddPlaced(buses, extent, CheckNamespace(*media, extent), Outcome::kFound, findings);
  return absl::OkStatus();
}

// The file next to which copies of overwritten bytes are kept: the region's image if it has only
// one, else the source with the region's name.
std::string LogName(const std::string& source_file, const Buses& buses, const Extent& extent) {
  const core::RegionSource& region = RegionOf(buses, extent);
  if (region.mappings.size() == 1)
    return buses[extent.bus].dimms[region.mappings[0].dimm].description;
  return absl::StrCat(source_file, ".bus", extent.bus, "-region", extent.region);
}

absl::Status RepairExtent(const Buses& buses, const Extent& extent, RepairLog& log,
                          Findings& findings) {
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> media, MediaOf(buses, extent));
  const uint64_t start = BaseOf(RegionOf(buses, extent)) + extent.range.start;
  ASSIGN_OR_RETURN(
      btt::RepairReport report,
      RepairNamespace(*media, extent, [&](uint64_t offset, absl::Span<const std::byte> bytes) {
        return log.Save(start + offset, bytes);
      }));
  AddPlaced(buses, extent, std::move(report.done), Outcome::kMended, findings);
  AddPlaced(buses, extent, std::move(report.left), Outcome::kFound, findings);
  AddPlaced(buses, extent, std::move(report.notes), Outcome::kNote, findings);
  return media->Flush();
}

// The same repair, on an overlay in memory.
absl::Status PlanExtent(const Buses& buses, const Extent& extent, Findings& findings) {
  ASSIGN_OR_RETURN(std::shared_ptr<core::Media> media, MediaOf(buses, extent));
  core::OverlayMedia overlay(std::move(media));
  auto report = RepairNamespace(
      overlay, extent, [](uint64_t, absl::Span<const std::byte>) { return absl::OkStatus(); });
  if (report.ok()) {
    AddPlaced(buses, extent, std::move(report->done), Outcome::kPlanned, findings);
    AddPlaced(buses, extent, std::move(report->notes), Outcome::kNote, findings);
  } else {
    findings.push_back({extent.name,
                        {core::ReasonOf(report.status()), 0,
                         absl::StrCat("repair would refuse: ", report.status().message())},
                        Outcome::kNote});
  }
  return absl::OkStatus();
}

// Advises to copy the image before a repair changes it.
void AdviseToCopy(const Buses& buses, Findings& findings) {
  const bool plans = std::any_of(findings.begin(), findings.end(), [](const PlacedFinding& found) {
    return found.outcome == Outcome::kPlanned;
  });
  if (!plans) return;
  for (const core::BusSource& bus : buses)
    for (const core::DimmSource& dimm : bus.dimms) {
      if (dimm.missing || dimm.description.empty()) continue;
      const std::string file = core::ShellWord(dimm.description);
      const std::string copy = core::ShellWord(dimm.description + ".before-repair");
      findings.push_back(
          {dimm.description,
           {"repair.copy", 0, absl::StrCat("copy it first: cp --sparse=always ", file, " ", copy)},
           Outcome::kNote});
    }
}

struct Survey {
  Findings findings;  // of labels and devices, then of what the namespaces hold
  size_t held = 0;    // index of the first of the latter
  std::vector<Extent> extents;
  size_t unknown = 0;  // namespaces that could not be checked
};

absl::StatusOr<Survey> LookAt(const backends::Source& source, bool force) {
  ASSIGN_OR_RETURN(const Buses buses, Open(source, true, force));
  btt::BttLayer sector_layer;
  core::System system(sector_layer, nullptr);
  for (const core::BusSource& bus : buses) RETURN_IF_ERROR(system.AddBus(bus));
  Survey survey;
  survey.extents = CollectExtents(system, survey.findings);
  survey.held = survey.findings.size();
  for (const Extent& extent : survey.extents) {
    RETURN_IF_ERROR(CheckExtent(buses, extent, survey.findings));
    ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> media, MediaOf(buses, extent));
    survey.unknown += CannotTell(*media, extent);
  }
  if (survey.findings.empty() && !survey.extents.empty() && survey.unknown == survey.extents.size())
    return core::Refusal(
        ENODATA, "image.unknown",
        "cannot tell whether it is sound: this program recognises no labels, BTT, info block, file "
        "system or partition table in it. If it is a DIMM image with labels, give the size of its "
        "label area: label_size=128K");
  return survey;
}

// The result for the label areas, real or simulated; `survey` then reflects the repaired labels.
absl::StatusOr<Findings> MendLabels(const backends::Source& source, const CheckOptions& options,
                                    Survey& survey) {
  if (!(options.repair || options.dry_run) || !CallForLabelRepair(survey.findings))
    return Findings();
  Findings labels;
  {
    ASSIGN_OR_RETURN(const Buses buses,
                     Open(source, options.dry_run, options.dry_run && options.force));
    ASSIGN_OR_RETURN(labels, RepairLabels(source.text(), buses, options.dry_run));
  }
  if (!options.dry_run) {
    ASSIGN_OR_RETURN(survey, LookAt(source, false));
  }
  return labels;
}

}  // namespace

absl::StatusOr<Findings> CheckSource(const std::string& source_text, const CheckOptions& options) {
  const bool repair = options.repair && !options.dry_run;
  const backends::Source source(source_text);
  ASSIGN_OR_RETURN(Survey survey, LookAt(source, options.force && !repair));
  ASSIGN_OR_RETURN(Findings findings, MendLabels(source, options, survey));
  survey.held += findings.size();
  findings.insert(findings.end(), std::make_move_iterator(survey.findings.begin()),
                  std::make_move_iterator(survey.findings.end()));
  if ((!options.repair && !options.dry_run) || findings.size() == survey.held) return findings;
  if (options.dry_run) {
    ASSIGN_OR_RETURN(const Buses buses, Open(source, true, options.force));
    for (const Extent& extent : survey.extents)
      RETURN_IF_ERROR(PlanExtent(buses, extent, findings));
    AdviseToCopy(buses, findings);
    return findings;
  }
  findings.resize(survey.held);
  ASSIGN_OR_RETURN(const Buses buses, Open(source, false, false));
  std::map<std::string, RepairLog> logs;
  for (const Extent& extent : survey.extents) {
    const std::string name = LogName(source.name(), buses, extent);
    RepairLog& log = logs.try_emplace(name, name).first->second;
    RETURN_IF_ERROR(RepairExtent(buses, extent, log, findings));
  }
  return findings;
}

}  // namespace nvdimmfs::tools
