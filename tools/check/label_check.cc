// SPDX-License-Identifier: Apache-2.0
#include "tools/check/label_check.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/shell_word.h"
#include "core/base/status.h"
#include "core/labels/label_area.h"
#include "core/labels/label_repair.h"
#include "core/labels/label_verdict.h"
#include "core/media/overlay_media.h"
#include "tools/check/repair_log.h"

namespace nvdimmfs::tools {
namespace {

using Owners = absl::flat_hash_set<core::Uuid>;

// The namespaces that have labels on the other DIMMs of the bus; nothing if one of them is
// unreadable.
std::optional<Owners> KnownElsewhere(const core::BusSource& bus, size_t dimm) {
  Owners owners;
  for (size_t other = 0; other < bus.dimms.size(); ++other) {
    if (other == dimm || bus.dimms[other].labels == nullptr) continue;
    const auto area = core::LabelArea::Open(bus.dimms[other].labels, *bus.dimms[other].new_labels);
    if (!area.ok() || !area->has_index() || area->unreadable_slots() != 0) return std::nullopt;
    for (const core::StoredLabel& stored : area->labels()) owners.insert(stored.label.uuid);
    for (const core::StoredRegionLabel& stored : area->region_labels())
      owners.insert(stored.label.uuid);
  }
  return owners;
}

size_t AreasOf(const std::vector<core::BusSource>& buses) {
  size_t areas = 0;
  for (const core::BusSource& bus : buses)
    for (const core::DimmSource& dimm : bus.dimms) areas += dimm.labels != nullptr;
  return areas;
}

void Add(const core::DimmSource& dimm, const std::string& name, std::vector<core::Finding> found,
         Outcome outcome, std::vector<PlacedFinding>& findings) {
  for (core::Finding& finding : found) {
    finding.offset += dimm.label_offset;
    findings.push_back({name, std::move(finding), outcome});
  }
}

absl::Status RepairOne(const core::BusSource& bus, size_t index, const std::string& name,
                       const std::string& source, bool dry_run,
                       std::vector<PlacedFinding>& findings) {
  const core::DimmSource& dimm = bus.dimms[index];
  // The survey reports what cannot be read.
  if (!core::LabelArea::Open(dimm.labels, *dimm.new_labels).ok()) return absl::OkStatus();
  RepairLog log(dimm.label_file.empty() ? dimm.description : dimm.label_file);
  core::LabelRepairOptions options{.capacity = dimm.capacity->size(),
                                   .expected = dimm.new_labels,
                                   .elsewhere = KnownElsewhere(bus, index),
                                   .source = core::ShellWord(source),
                                   .save = nullptr};
  std::shared_ptr<core::Media> area = dimm.labels;
  if (dry_run)
    area = std::make_shared<core::OverlayMedia>(area);
  else
    options.save = [&](uint64_t offset, absl::Span<const std::byte> bytes) {
      return log.Save(dimm.label_offset + offset, bytes);
    };
  absl::StatusOr<core::LabelRepairReport> report = core::RepairLabelArea(area, options);
  if (!report.ok()) return core::Annotate(report.status(), absl::StrCat("labels of ", name));
  Add(dimm, name, std::move(report->mended), dry_run ? Outcome::kPlanned : Outcome::kMended,
      findings);
  Add(dimm, name, std::move(report->undecided), Outcome::kNote, findings);
  return absl::OkStatus();
}

}  // namespace

bool CallForLabelRepair(const std::vector<PlacedFinding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const PlacedFinding& found) {
    const core::LabelReason* reason = core::FindLabelReason(found.finding.reason);
    return reason != nullptr && reason->repair == core::LabelRepair::kMends;
  });
}

absl::StatusOr<std::vector<PlacedFinding>> RepairLabels(const std::string& source,
                                                        const std::vector<core::BusSource>& buses,
                                                        bool dry_run) {
  std::vector<PlacedFinding> findings;
  const bool one = AreasOf(buses) == 1;
  int number = 0;
  for (const core::BusSource& bus : buses)
    for (size_t i = 0; i < bus.dimms.size(); ++i, ++number) {
      if (bus.dimms[i].labels == nullptr) continue;
      const std::string name = absl::StrCat("nmem", number);
      RETURN_IF_ERROR(RepairOne(bus, i, name, one ? source : absl::StrCat(source, " --dimm ", name),
                                dry_run, findings));
    }
  return findings;
}

}  // namespace nvdimmfs::tools
