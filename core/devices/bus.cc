#include "core/devices/bus.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/devices/bus_metrics.h"
#include "core/devices/control_device.h"
#include "core/devices/dax_bus.h"
#include "core/devices/dimm.h"
#include "core/devices/region.h"
#include "core/devices/scrub.h"
#include "core/devices/system.h"
#include "core/devices/test_dimm.h"

namespace nvdimmfs::core {
namespace {

Bus& AsBus(Device& device) { return static_cast<Bus&>(device); }

absl::StatusOr<std::string> ShowCommands(Device& device) {
  const Bus& bus = AsBus(device);
  return absl::StrCat(bus.scrubs() ? "ars_cap ars_start ars_status clear_error " : "",
                      bus.takes_call() ? "cmd_call " : "", "\n");
}

absl::StatusOr<std::string> ShowProvider(Device& device) {
  return absl::StrCat(AsBus(device).provider(), "\n");
}

// Everything is probed before the tree can be seen, so there is never anything to wait for.
absl::StatusOr<std::string> ShowWaitProbe(Device&) { return std::string("1\n"); }

absl::StatusOr<std::string> ShowRevision(Device& device) {
  return absl::StrCat(AsBus(device).nfit_revision(), "\n");
}
absl::StatusOr<std::string> ShowDsmMask(Device& device) {
  return FormatHex(AsBus(device).call_functions()) + "\n";
}

absl::StatusOr<std::string> ShowScrub(Device& device) {
  const Scrub& scrub = *AsBus(device).scrub();
  return absl::StrCat(scrub.cycles(), scrub.busy() ? "+\n" : "\n");
}

absl::Status StoreScrub(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const int64_t value, ParseSigned(text));
  if (value != 1)
    return Refusal(EINVAL, "bus.scrub",
                   absl::StrCat("scrub of ", device.name(), ": write 1 to start one"));
  return AsBus(device).scrub()->Start(Scrub::Depth::kLong);
}

absl::StatusOr<std::string> ShowProgress(Device& device) {
  return AsBus(device).scrub()->Progress() + "\n";
}

absl::StatusOr<std::string> ShowListing(Device& device) {
  return device.system().bus_lister()(AsBus(device));
}

uint16_t WithLister(const Device& device) {
  return device.system().bus_lister() == nullptr ? 0 : 0444;
}

absl::StatusOr<std::string> ShowMetrics(Device& device) { return BusMetrics(AsBus(device)); }

absl::StatusOr<std::string> ShowHwErrorScrub(Device& device) {
  return std::string(AsBus(device).hw_error_scrub ? "1\n" : "0\n");
}

absl::Status StoreHwErrorScrub(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const int64_t value, ParseSigned(text));
  if (value != 0 && value != 1)
    return Refusal(EINVAL, "bus.hw_error_scrub",
                   absl::StrCat("hw_error_scrub of ", device.name(), ": ", value,
                                " is neither 0 (note the failing range) nor 1 (scrub all)"));
  AsBus(device).hw_error_scrub = value == 1;
  return absl::OkStatus();
}

template <uint16_t mode>
uint16_t WithNfit(const Device& device) {
  return static_cast<const Bus&>(device).has_nfit() ? mode : 0;
}

template <uint16_t mode>
uint16_t WithScrub(const Device& device) {
  return static_cast<const Bus&>(device).scrubs() ? mode : 0;
}

template <uint16_t mode>
uint16_t WithActivation(const Device& device) {
  return static_cast<const Bus&>(device).can_activate() ? mode : 0;
}

bool CanActivate(const BusSource& source) {
  return std::any_of(source.dimms.begin(), source.dimms.end(), [](const DimmSource& dimm) {
    return dimm.firmware != nullptr && dimm.firmware->has(intel::kActivateArm);
  });
}

constexpr Attribute kBusAttributes[] = {
    {.name = "commands", .show = ShowCommands, .summary = "the bus commands that work"},
    {.name = "provider", .show = ShowProvider, .summary = "what describes the bus"},
    {.name = "firmware/activate",
     .mode = 0600,
     .show = ShowBusActivate,
     .store = StoreBusActivate,
     .visible = WithActivation<0600>,
     .summary = "idle, armed, overflow or busy; takes live and quiesce"},
    {.name = "firmware/capability",
     .show = ShowBusCapability,
     .visible = WithActivation<0444>,
     .summary = "how the bus activates firmware: live or quiesce"},
    kUeventAttribute,
    {.name = "wait_probe", .show = ShowWaitProbe, .summary = "1, once all probing is done"},
    {.name = "nfit/dsm_mask",
     .show = ShowDsmMask,
     .visible = WithNfit<0444>,
     .summary = "bus functions of the firmware"},
    {.name = "nfit/firmware_activate_noidle",
     .mode = 0644,
     .show = ShowNoIdle,
     .store = StoreNoIdle,
     .visible = WithActivation<0644>,
     .summary = "Y: an activation does not ask for idle devices"},
    {.name = "nfit/hw_error_scrub",
     .mode = 0644,
     .show = ShowHwErrorScrub,
     .store = StoreHwErrorScrub,
     .visible = WithNfit<0644>,
     .summary = "1: an uncorrectable error starts a scrub of everything"},
    {.name = "nfit/revision",
     .show = ShowRevision,
     .visible = WithNfit<0444>,
     .summary = "revision of the NFIT"},
    {.name = "nfit/scrub",
     .mode = 0644,
     .show = ShowScrub,
     .store = StoreScrub,
     .visible = WithScrub<0644>,
     .summary = "full scrubs so far, + while one is under way; writing 1 starts one; poll(2)"},
    {.name = "x/list.json",
     .show = ShowListing,
     .visible = WithLister,
     .summary = "everything about the bus, as nvdimmfs list --schema 1"},
    {.name = "x/metrics",
     .show = ShowMetrics,
     .summary = "capacity, free bytes and states below the bus, as OpenMetrics"},
    {.name = "x/scrub",
     .show = ShowProgress,
     .visible = WithScrub<0444>,
     .summary = "how far the scrub is"},
    kLastErrorAttribute,
};

}  // namespace

Bus::Bus(System& system, int id, const BusSource& source)
    : NdDevice(system, DeviceKind::kBus, absl::StrCat("ndbus", id), nullptr),
      id_(id),
      provider_(source.provider),
      has_nfit_(source.has_nfit),
      nfit_revision_(source.nfit_revision),
      scrubs_(source.scrubs && source.has_nfit),
      takes_call_(source.takes_call && source.has_nfit),
      families_(source.has_nfit ? source.families : 0),
      functions_(scrubs_ && takes_call_ ? source.functions : 0),
      can_activate_(source.has_nfit && CanActivate(source)) {}

Bus::~Bus() = default;

bool Bus::read_only() const {
  return std::any_of(dimms_.begin(), dimms_.end(),
                     [](const auto& dimm) { return dimm->source().read_only; });
}

absl::StatusOr<std::shared_ptr<Bus>> Bus::Make(System& system, BusSource source) {
  std::shared_ptr<Bus> bus(new Bus(system, system.bus_ids().Take(), source));
  system.Register(bus);
  system.Register(std::make_shared<ControlDevice>(system, *bus));
  absl::Status status = bus->AddDimms(source);
  if (status.ok()) status = bus->AddRegions(source);
  if (status.ok()) {
    bus->AddTestDimms();
    if (bus->scrubs_) bus->scrub_ = std::make_unique<Scrub>(*bus, source.scrub_time);
    return bus;
  }
  system.Unregister(*bus);
  return status;
}

void Bus::AddTestDimms() {
  for (const auto& dimm : dimms_) {
    if (dimm->source().test_controls == nullptr) continue;
    test_dimms_.push_back(std::make_shared<TestDimm>(dimm));
    system().Register(test_dimms_.back());
  }
}

absl::Status Bus::AddDimms(BusSource& source) {
  for (DimmSource& dimm_source : source.dimms) {
    auto dimm = std::make_shared<Dimm>(system(), *this, system().dimm_ids().Take(),
                                       std::move(dimm_source), has_nfit_);
    dimms_.push_back(dimm);
    system().Register(dimm);
    dimm->ShowLabelArea();
    if (dimm->overwriting() && !dimm->source().read_only) dimm->StartOverwrite();
  }
  return absl::OkStatus();
}

absl::Status Bus::AddRegions(BusSource& source) {
  for (RegionSource& region_source : source.regions) {
    ASSIGN_OR_RETURN(std::shared_ptr<Region> region,
                     Region::Make(system(), *this, std::move(region_source)));
    regions_.push_back(region);
    system().Register(region);
    system().dax_bus().memory().AddNode(region->source().target_node);
  }
  return absl::OkStatus();
}

void Bus::Enable() {
  system().Probe(*this);
  for (const auto& dimm : dimms_) system().AutoProbe(*dimm);
  for (const auto& region : regions_) system().AutoProbe(*region);
}

void Bus::UncorrectableError() {
  // Where one is asked for already, that one finds it.
  scrub_->Start(hw_error_scrub ? Scrub::Depth::kLong : Scrub::Depth::kShort).IgnoreError();
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

// A bus shows the name of the platform device that it is below where nothing gives it another
// provider: "nfit_test.0".
std::string Bus::place() const {
  const size_t dot = provider_.rfind('.');
  const bool is_device = dot != std::string::npos && dot != 0 && dot + 1 < provider_.size() &&
                         provider_.find('/') == std::string::npos &&
                         provider_.find_first_not_of("0123456789", dot + 1) == std::string::npos;
  return absl::StrCat("devices/platform/", is_device ? provider_ : absl::StrCat("nvdimmfs.", id_),
                      "/", name());
}

absl::Span<const Attribute> Bus::attributes() const { return kBusAttributes; }

std::vector<DeviceLink> Bus::links() const {
  std::vector<DeviceLink> links = NdDevice::links();
  links.push_back({name(), path()});
  return links;
}

void Bus::Removed() {
  for (const auto& test_dimm : test_dimms_) system().Unregister(*test_dimm);
  system().bus_ids().Give(id_);
}

}  // namespace nvdimmfs::core
