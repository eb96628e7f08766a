// SPDX-License-Identifier: Apache-2.0
#include "core/nd/bus.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/dax/dax_bus.h"
#include "core/media/crash_media.h"
#include "core/model/engine.h"
#include "core/nd/control_device.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::core {
namespace {

bool CanActivate(const BusSource& source) {
  return std::any_of(source.dimms.begin(), source.dimms.end(), [](const DimmSource& dimm) {
    return dimm.firmware != nullptr && dimm.firmware->has(intel::kActivateArm);
  });
}

// The supply of all media of the bus; null if their power cannot fail.
const PowerSupply* PowerOf(const BusSource& bus) {
  for (const DimmSource& dimm : bus.dimms)
    if (const PowerSupply* supply = PowerSupplyOf(dimm.capacity.get())) return supply;
  for (const RegionSource& region : bus.regions)
    if (const PowerSupply* supply = PowerSupplyOf(region.media.get())) return supply;
  return nullptr;
}

}  // namespace

Bus::Bus(NdBusType& nd, int id, const BusSource& source)
    : NdDevice(nd, NdKind::kBus, absl::StrCat("ndbus", id), nullptr),
      id_(id),
      provider_(source.provider),
      has_nfit_(source.has_nfit),
      nfit_revision_(source.nfit_revision),
      scrubs_(source.scrubs && source.has_nfit),
      takes_call_(source.takes_call && source.has_nfit),
      families_(source.has_nfit ? source.families : 0),
      functions_(scrubs_ && takes_call_ ? source.functions : 0),
      can_activate_(source.has_nfit && CanActivate(source)),
      quirks_(source.quirks),
      power_(PowerOf(source)) {}

Bus::~Bus() = default;

bool Bus::read_only() const {
  return std::any_of(dimms_.begin(), dimms_.end(),
                     [](const auto& dimm) { return dimm->source().read_only; });
}

absl::StatusOr<std::shared_ptr<Bus>> Bus::Make(NdBusType& nd, BusSource source) {
  std::shared_ptr<Bus> bus(new Bus(nd, nd.bus_ids().Take(), source));
  nd.engine().Register(bus);
  nd.engine().Register(std::make_shared<ControlDevice>(*bus, bus->id()));
  absl::Status status = bus->AddDimms(source);
  if (status.ok()) status = bus->AddRegions(source);
  if (status.ok()) {
    if (bus->scrubs_) bus->AddScrub(source.scrub_time);
    return bus;
  }
  nd.engine().Unregister(*bus);
  return status;
}

void Bus::AddScrub(absl::Duration time) {
  std::vector<Scrub::Part> parts;
  for (const auto& region : regions_)
    parts.push_back({region->name(), {region->source().spa, region->source().media}});
  const auto outside =
      quirks_.errors_anywhere ? MediaErrors::Outside::kNoted : MediaErrors::Outside::kRefused;
  scrub_ = std::make_unique<Scrub>(*this, parts, outside, time);
}

absl::Status Bus::AddDimms(BusSource& source) {
  for (DimmSource& dimm_source : source.dimms) {
    auto dimm = std::make_shared<Dimm>(
        nd(), *this, nd().dimm_ids().Take(), std::move(dimm_source),
        Dimm::BusTraits{.has_nfit = has_nfit_, .takes_call = takes_call_, .quirks = quirks_});
    dimms_.push_back(dimm);
    engine().Register(dimm);
    dimm->ShowLabelArea();
    if (dimm->overwriting() && !dimm->source().read_only) dimm->StartOverwrite();
  }
  return absl::OkStatus();
}

absl::Status Bus::AddRegions(BusSource& source) {
  for (RegionSource& region_source : source.regions) {
    ASSIGN_OR_RETURN(std::shared_ptr<Region> region,
                     Region::Make(nd(), *this, dimms_, has_nfit_, std::move(region_source)));
    regions_.push_back(region);
    engine().Register(region);
    nd().dax_bus().memory().AddNode(region->source().target_node);
  }
  return absl::OkStatus();
}

void Bus::Enable() {
  engine().Probe(*this);
  for (const auto& dimm : dimms_) engine().AutoProbe(*dimm);
  for (const auto& region : regions_) engine().AutoProbe(*region);
}

void Bus::UncorrectableError() {
  engine().AssertLocked();
  // If a scrub is already pending, that one will find the error.
  scrub_->Start(hw_error_scrub_ ? Scrub::Depth::kLong : Scrub::Depth::kShort).IgnoreError();
}

std::optional<Bus::DimmAddress> Bus::Translate(uint64_t spa) const {
  for (const auto& region : regions_) {
    const RegionSource& source = region->source();
    if (!source.spa.Contains(spa) || source.mappings.empty()) continue;
    std::vector<MappingSource> ordered = source.mappings;
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const MappingSource& a, const MappingSource& b) {
                       return a.region_offset < b.region_offset;
                     });
    const uint64_t ways = ordered.size(), offset = spa - source.spa.start;
    const uint64_t piece =
        ways == 1 || source.granularity == 0 ? source.spa.size / ways : source.granularity;
    const MappingSource& mapping = ordered[offset / piece % ways];
    return DimmAddress{.handle = dimms_[mapping.dimm]->source().identity.handle,
                       .dpa = mapping.dpa.start + offset / (piece * ways) * piece + offset % piece,
                       .length = piece - offset % piece};
  }
  return std::nullopt;
}

// A bus is below the platform device that its provider names: "nfit_test.0".
std::string Bus::place() const {
  const size_t dot = provider_.rfind('.');
  const bool is_device = dot != std::string::npos && dot != 0 && dot + 1 < provider_.size() &&
                         provider_.find('/') == std::string::npos &&
                         provider_.find_first_not_of("0123456789", dot + 1) == std::string::npos;
  return absl::StrCat("devices/platform/", is_device ? provider_ : absl::StrCat("nvdimmfs.", id_),
                      "/", name());
}

std::vector<DeviceLink> Bus::links() const {
  std::vector<DeviceLink> links = NdDevice::links();
  links.push_back({name(), path()});
  return links;
}

void Bus::Removed() {
  engine().AssertLocked();
  for (const auto& companion : companions_) engine().Unregister(*companion);
  nd().bus_ids().Give(id_);
}

}  // namespace nvdimmfs::core
