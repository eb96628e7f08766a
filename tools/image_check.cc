#include "tools/image_check.h"

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "btt/btt_layer.h"
#include "btt/check.h"
#include "core/bus.h"
#include "core/dimm.h"
#include "core/media_slice.h"
#include "core/namespace.h"
#include "core/region.h"
#include "core/status.h"
#include "core/system.h"
#include "tools/repair_log.h"
#include "tools/source.h"

namespace nvdimmfs::tools {
namespace {

using Findings = std::vector<PlacedFinding>;

// A namespace as far as a checker needs it, after the System that showed it is gone.
struct Extent {
  std::string name;
  core::Range range;  // in the DIMM's capacity, which is the file from its start
  core::Uuid uuid;
  core::ClaimClass claim_class = core::ClaimClass::kNone;
};

SourceRequest RequestFor(const std::string& source, bool read_only, bool force) {
  SourceRequest request{.text = source, .read_only = read_only};
  if (force) request.options.push_back({"force", ""});
  return request;
}

void AddDimm(const core::DimmSource& source, const core::Dimm& dimm, Findings& findings) {
  for (const core::Finding& finding : source.findings) findings.push_back({dimm.name(), finding});
  if (dimm.data() == nullptr || source.labels == nullptr) return;
  const uint64_t area_start = source.label_offset;
  for (core::Finding finding : dimm.data()->labels.findings()) {
    finding.offset += area_start;
    findings.push_back({dimm.name(), std::move(finding)});
  }
}

// What the device model refused by itself says that something is off.
void AddRefusal(const core::Device& device, uint64_t offset, Findings& findings) {
  if (device.last_error().empty()) return;
  findings.push_back({device.name(), {"enable", offset, device.last_error()}});
}

std::vector<Extent> CollectExtents(core::System& system, const core::BusSource& source,
                                   Findings& findings) {
  std::vector<Extent> extents;
  for (const auto& device : system.Devices()) {
    if (device->kind() == core::DeviceKind::kDimm) {
      const auto& dimm = static_cast<const core::Dimm&>(*device);
      AddDimm(source.dimms[dimm.id()], dimm, findings);
      if (dimm.driver() == nullptr)
        AddRefusal(dimm, source.dimms[dimm.id()].label_offset, findings);
    } else if (device->kind() == core::DeviceKind::kRegion) {
      AddRefusal(*device, source.dimms.front().label_offset, findings);
    } else if (device->kind() == core::DeviceKind::kNamespace) {
      const auto& ns = static_cast<const core::Namespace&>(*device);
      if (ns.size() == 0) continue;
      const uint64_t start = ns.spa().start - ns.region().source().spa.start;
      if (ns.claim() == nullptr) AddRefusal(ns, start, findings);
      extents.push_back({ns.name(), {start, ns.size()}, ns.uuid(), ns.claim_class()});
    }
  }
  return extents;
}

bool MayHoldBtt(core::ClaimClass claim_class) {
  return claim_class == core::ClaimClass::kNone || claim_class == core::ClaimClass::kBtt ||
         claim_class == core::ClaimClass::kBtt2;
}

std::optional<btt::Version> BttVersion(const core::Media& media, const Extent& extent) {
  if (!MayHoldBtt(extent.claim_class)) return std::nullopt;
  return btt::Detect(media, extent.uuid);
}

void AddPlaced(const Extent& extent, std::vector<core::Finding> found, bool repaired,
               Findings& findings) {
  for (core::Finding& finding : found) {
    finding.offset += extent.range.start;
    findings.push_back({extent.name, std::move(finding), repaired});
  }
}

absl::Status CheckExtent(const std::shared_ptr<core::Media>& capacity, const Extent& extent,
                         Findings& findings) {
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> media,
                   core::MediaSlice::Make(capacity, extent.range));
  if (const auto version = BttVersion(*media, extent))
    AddPlaced(extent, btt::Check(*media, *version, extent.uuid), false, findings);
  return absl::OkStatus();
}

absl::Status RepairExtent(const std::shared_ptr<core::Media>& capacity, const Extent& extent,
                          RepairLog& log, Findings& findings) {
  ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> media,
                   core::MediaSlice::Make(capacity, extent.range));
  const auto version = BttVersion(*media, extent);
  if (!version) return absl::OkStatus();
  ASSIGN_OR_RETURN(btt::RepairReport report,
                   btt::Repair(*media, *version, extent.uuid,
                               [&](uint64_t offset, absl::Span<const std::byte> bytes) {
                                 return log.Save(extent.range.start + offset, bytes);
                               }));
  AddPlaced(extent, std::move(report.done), true, findings);
  AddPlaced(extent, std::move(report.left), false, findings);
  return media->Flush();
}

struct Survey {
  Findings findings;
  std::vector<Extent> extents;
  bool btt_findings = false;
};

absl::StatusOr<Survey> LookAt(const std::string& source_text, bool force) {
  ASSIGN_OR_RETURN(const core::BusSource source, OpenSource(RequestFor(source_text, true, force)));
  btt::BttLayer sector_layer;
  core::System system(sector_layer, nullptr);
  RETURN_IF_ERROR(system.AddBus(source));
  Survey survey;
  survey.extents = CollectExtents(system, source, survey.findings);
  const size_t before = survey.findings.size();
  for (const Extent& extent : survey.extents)
    RETURN_IF_ERROR(CheckExtent(source.dimms.front().capacity, extent, survey.findings));
  survey.btt_findings = survey.findings.size() != before;
  return survey;
}

}  // namespace

absl::StatusOr<Findings> CheckSource(const std::string& source_text, const CheckOptions& options) {
  ASSIGN_OR_RETURN(Survey survey, LookAt(source_text, options.force && !options.repair));
  if (!options.repair || !survey.btt_findings) return std::move(survey.findings);
  Findings findings;
  RepairLog log(SplitSource(source_text).first);
  ASSIGN_OR_RETURN(const core::BusSource source, OpenSource(RequestFor(source_text, false, false)));
  for (const Extent& extent : survey.extents)
    RETURN_IF_ERROR(RepairExtent(source.dimms.front().capacity, extent, log, findings));
  return findings;
}

}  // namespace nvdimmfs::tools
