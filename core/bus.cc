#include "core/bus.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/control_device.h"
#include "core/dimm.h"
#include "core/input.h"
#include "core/region.h"
#include "core/status.h"
#include "core/system.h"

namespace nvdimmfs::core {
namespace {

Bus& AsBus(Device& device) { return static_cast<Bus&>(device); }

absl::StatusOr<std::string> ShowCommands(Device& device) {
  return std::string(AsBus(device).has_nfit() ? "cmd_call \n" : "\n");
}

absl::StatusOr<std::string> ShowProvider(Device& device) {
  return absl::StrCat(AsBus(device).provider(), "\n");
}

// Everything is probed before the tree can be seen, so there is never anything to wait for.
absl::StatusOr<std::string> ShowWaitProbe(Device&) { return std::string("1\n"); }

absl::StatusOr<std::string> ShowRevision(Device&) { return std::string("1\n"); }
absl::StatusOr<std::string> ShowDsmMask(Device&) { return std::string("0x0\n"); }

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

constexpr Attribute kBusAttributes[] = {
    {.name = "commands", .show = ShowCommands, .summary = "the bus commands that work"},
    {.name = "provider", .show = ShowProvider, .summary = "what describes the bus"},
    kUeventAttribute,
    {.name = "wait_probe", .show = ShowWaitProbe, .summary = "1, once all probing is done"},
    {.name = "nfit/dsm_mask",
     .show = ShowDsmMask,
     .visible = WithNfit<0444>,
     .summary = "bus functions of the firmware"},
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
    kLastErrorAttribute,
};

}  // namespace

Bus::Bus(System& system, int id, const BusSource& source)
    : NdDevice(system, DeviceKind::kBus, absl::StrCat("ndbus", id), nullptr),
      id_(id),
      provider_(source.provider),
      has_nfit_(source.has_nfit) {}

absl::StatusOr<std::shared_ptr<Bus>> Bus::Make(System& system, BusSource source) {
  std::shared_ptr<Bus> bus(new Bus(system, system.bus_ids().Take(), source));
  system.Register(bus);
  system.Register(std::make_shared<ControlDevice>(system, *bus));
  absl::Status status = bus->AddDimms(source);
  if (status.ok()) status = bus->AddRegions(source);
  if (status.ok()) return bus;
  system.Unregister(*bus);
  return status;
}

absl::Status Bus::AddDimms(BusSource& source) {
  for (DimmSource& dimm_source : source.dimms) {
    auto dimm = std::make_shared<Dimm>(system(), *this, system().dimm_ids().Take(),
                                       std::move(dimm_source), has_nfit_);
    dimms_.push_back(dimm);
    system().Register(dimm);
    dimm->ShowLabelArea();
  }
  return absl::OkStatus();
}

absl::Status Bus::AddRegions(BusSource& source) {
  for (RegionSource& region_source : source.regions) {
    ASSIGN_OR_RETURN(std::shared_ptr<Region> region,
                     Region::Make(system(), *this, std::move(region_source)));
    regions_.push_back(region);
    system().Register(region);
  }
  return absl::OkStatus();
}

void Bus::Enable() {
  system().Probe(*this);
  for (const auto& dimm : dimms_) system().AutoProbe(*dimm);
  for (const auto& region : regions_) system().AutoProbe(*region);
}

std::string Bus::place() const {
  return absl::StrCat("devices/platform/nvdimmfs.", id_, "/", name());
}

absl::Span<const Attribute> Bus::attributes() const { return kBusAttributes; }

std::vector<DeviceLink> Bus::links() const {
  std::vector<DeviceLink> links = NdDevice::links();
  links.push_back({name(), path()});
  return links;
}

void Bus::Removed() { system().bus_ids().Give(id_); }

}  // namespace nvdimmfs::core
