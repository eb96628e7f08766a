// SPDX-License-Identifier: Apache-2.0
#include "tools/check/image_check.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/sources/source.h"
#include "btt/btt_layer.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "core/media/overlay_media.h"
#include "tools/check/device_findings.h"
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

// `found` counts offsets from the start of the namespace.
void AddPlaced(const Buses& buses, const Extent& extent, std::vector<core::Finding> found,
               Outcome outcome, Findings& findings) {
  for (core::Finding& finding : found) {
    finding.offset += OffsetOf(buses, extent);
    findings.push_back({extent.name, std::move(finding), outcome});
  }
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
  const uint64_t start = OffsetOf(buses, extent);
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
  Survey survey;
  ASSIGN_OR_RETURN(survey.extents, FindInDevices(buses, sector_layer, survey.findings));
  survey.held = survey.findings.size();
  for (const Extent& extent : survey.extents) {
    RETURN_IF_ERROR(CheckExtent(buses, extent, survey.findings));
    ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> media, MediaOf(buses, extent));
    survey.unknown += CannotTell(*media, extent);
  }
  if (survey.findings.empty() && !survey.extents.empty() && survey.unknown == survey.extents.size())
    return NothingRecognised();
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
