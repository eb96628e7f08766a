// SPDX-License-Identifier: Apache-2.0
#include "tools/check/source_vet.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "btt/vet.h"
#include "core/base/status.h"
#include "core/nd/sector_layer.h"
#include "core/vet/label_vet.h"
#include "tools/check/device_findings.h"
#include "tools/check/namespace_vet.h"

namespace nvdimmfs::tools {
namespace {

using Findings = std::vector<PlacedFinding>;

using backends::Buses;

// Sees no BTT anywhere, so that the device model reads no map: VetNamespace does, within limits.
class NoSectors final : public core::SectorLayer {
 public:
  uint64_t SignatureOffset(core::ClaimClass) const override { return 0; }
  bool IsSignature(absl::Span<const std::byte>) const override { return false; }
  absl::StatusOr<core::SectorIdentity> Probe(const core::Media&, core::ClaimClass,
                                             const core::Uuid&) override {
    return core::Refusal(ENODEV, "btt.info.signature", "not looked for");
  }
  absl::StatusOr<std::shared_ptr<core::Media>> OpenOrFormat(std::shared_ptr<core::Media>,
                                                            const core::SectorOptions&) override {
    return core::Refusal(ENODEV, "btt.info.signature", "not looked for");
  }
};

class Vetter {
 public:
  Vetter(const Buses& buses, const VetOptions& options) : buses_(buses) {
    if (options.full) budget_ = btt::VetBudget::Full();
  }

  absl::StatusOr<Findings> Run() {
    const bool few = VetLabels();
    for (const PlacedFinding& found : findings_) known_.insert(KeyOf(found));
    if (!few) return std::move(findings_);
    Findings of_devices;
    NoSectors no_sectors;
    ASSIGN_OR_RETURN(const std::vector<Extent> extents,
                     FindInDevices(buses_, no_sectors, of_devices));
    for (PlacedFinding& found : of_devices)
      if (known_.insert(KeyOf(found)).second) findings_.push_back(std::move(found));
    return VetContents(extents);
  }

 private:
  // Two findings with the same key are one.
  using Key = std::tuple<std::string, std::string, uint64_t>;
  static Key KeyOf(const PlacedFinding& found) {
    return {found.subject, found.finding.reason, found.finding.offset};
  }

  // False if an area has too many labels for the device model.
  bool VetLabels() {
    bool few = true;
    int number = 0;
    for (const core::BusSource& bus : buses_)
      for (const core::DimmSource& dimm : bus.dimms) {
        const std::string name = absl::StrCat("nmem", number++);
        if (dimm.labels != nullptr && !dimm.missing) few = VetDimm(dimm, name) && few;
      }
    return few;
  }

  bool VetDimm(const core::DimmSource& dimm, const std::string& name) {
    const std::string& file = dimm.label_file.empty() ? dimm.description : dimm.label_file;
    const auto add = [&](core::Finding finding, uint64_t length, Outcome outcome) {
      finding.offset += dimm.label_offset;
      findings_.push_back({name, std::move(finding), outcome, length, file});
    };
    auto vet = core::VetLabelArea(*dimm.labels, dimm.capacity->size());
    if (!vet.ok()) {
      add({core::ReasonOf(vet.status()), 0, std::string(vet.status().message())}, 0,
          Outcome::kFound);
      return true;
    }
    for (core::VetFinding& found : vet->findings)
      add(std::move(found.finding), found.length, Outcome::kFound);
    if (!vet->too_many) return true;
    add({"vet.partial", 0,
         absl::StrCat("of the labels only ", core::kMostVettedLabels,
                      " were read, and of the namespaces nothing")},
        0, Outcome::kNotRead);
    return false;
  }

  absl::StatusOr<Findings> VetContents(const std::vector<Extent>& extents) {
    size_t unknown = 0;
    for (const Extent& extent : extents) {
      ASSIGN_OR_RETURN(const std::shared_ptr<core::Media> media, MediaOf(buses_, extent));
      for (PlacedFinding& found : VetNamespace(*media, extent, budget_)) {
        found.finding.offset += OffsetOf(buses_, extent);
        const core::RegionSource& region = RegionOf(buses_, extent);
        if (region.mappings.size() == 1)
          found.file = buses_[extent.bus].dimms[region.mappings[0].dimm].description;
        findings_.push_back(std::move(found));
      }
      unknown += CannotTell(*media, extent);
    }
    if (findings_.empty() && !extents.empty() && unknown == extents.size())
      return NothingRecognised();
    return std::move(findings_);
  }

  const Buses& buses_;
  btt::VetBudget budget_;
  std::set<Key> known_;
  Findings findings_;
};

}  // namespace

absl::StatusOr<Findings> VetBuses(const Buses& buses, const VetOptions& options) {
  return Vetter(buses, options).Run();
}

absl::StatusOr<Findings> VetSource(const std::string& source_text, const VetOptions& options) {
  backends::Source source(source_text);
  source.set_read_only();
  if (options.force) source.PutDefaults({{"force", ""}});
  ASSIGN_OR_RETURN(const Buses buses, source.Open());
  return VetBuses(buses, options);
}

}  // namespace nvdimmfs::tools
