// SPDX-License-Identifier: Apache-2.0
// ndbus0.
#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/media/power_supply.h"
#include "core/model/common_attributes.h"
#include "core/nd/bus.h"
#include "core/nd/scrub.h"
#include "core/services/activation.h"
#include "core/services/bus_metrics.h"
#include "core/system/system.h"
#include "core/system/tables.h"

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

// Everything is probed before the tree is visible, so there is never anything to wait for.
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
  return System::Of(device).bus_lister()(AsBus(device));
}

uint16_t WithLister(const Device& device) {
  return System::Of(device).bus_lister() == nullptr ? 0 : 0444;
}

absl::StatusOr<std::string> ShowMetrics(Device& device) {
  return BusMetrics(AsBus(device), System::Of(device).event_log());
}

absl::StatusOr<std::string> ShowFences(Device& device) { return AsBus(device).power()->Text(); }

uint16_t WithPower(const Device& device) {
  return static_cast<const Bus&>(device).power() == nullptr ? 0 : 0444;
}

absl::StatusOr<std::string> ShowHwErrorScrub(Device& device) {
  return std::string(AsBus(device).hw_error_scrub() ? "1\n" : "0\n");
}

absl::Status StoreHwErrorScrub(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const int64_t value, ParseSigned(text));
  if (value != 0 && value != 1)
    return Refusal(EINVAL, "bus.hw_error_scrub",
                   absl::StrCat("hw_error_scrub of ", device.name(), ": ", value,
                                " is neither 0 (note the failing range) nor 1 (scrub all)"));
  AsBus(device).set_hw_error_scrub(value == 1);
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

constexpr Attribute kBusAttributes[] = {
    {.name = "commands", .show = ShowCommands, .summary = "the bus commands (ioctls) that work"},
    {.name = "provider",
     .show = ShowProvider,
     .summary = "what describes the bus: the firmware table or driver"},
    {.name = "firmware/activate",
     .mode = 0600,
     .show = ShowBusActivate,
     .store = StoreBusActivate,
     .visible = WithActivation<0600>,
     .summary =
         "idle, armed, overflow (too many are armed) or busy; a write activates what is armed",
     .grammar = "live | quiesce",
     .refusals = "firmware.* dimm_state.*"},
    {.name = "firmware/capability",
     .show = ShowBusCapability,
     .visible = WithActivation<0444>,
     .summary = "how the bus activates firmware: live or quiesce"},
    kUeventAttribute,
    {.name = "wait_probe", .show = ShowWaitProbe, .summary = "1: all probing is done"},
    {.name = "nfit/dsm_mask",
     .show = ShowDsmMask,
     .visible = WithNfit<0444>,
     .summary = "functions of the bus firmware that work, as a bit mask"},
    {.name = "nfit/firmware_activate_noidle",
     .mode = 0644,
     .show = ShowNoIdle,
     .store = StoreNoIdle,
     .visible = WithActivation<0644>,
     .summary = "Y: an activation does not wait for idle devices",
     .grammar = Grammar::kBool,
     .refusals = "input.syntax"},
    {.name = "nfit/hw_error_scrub",
     .mode = 0644,
     .show = ShowHwErrorScrub,
     .store = StoreHwErrorScrub,
     .visible = WithNfit<0644>,
     .summary = "1: an uncorrectable error starts a scrub of everything; 0: its range is noted",
     .grammar = "0 | 1",
     .refusals = "bus.hw_error_scrub input.*"},
    {.name = "nfit/revision",
     .show = ShowRevision,
     .visible = WithNfit<0444>,
     .summary = "revision of the NFIT"},
    {.name = "nfit/scrub",
     .mode = 0644,
     .show = ShowScrub,
     .store = StoreScrub,
     .visible = WithScrub<0644>,
     .summary =
         "full scrubs so far, and + while one is under way; 1 starts one; changes wake poll(2)",
     .grammar = "1",
     .refusals = "bus.scrub scrub.* input.*"},
    {.name = "x/fences",
     .show = ShowFences,
     .visible = WithPower,
     .summary = "with crash_after: drains and flushes so far, words that a power cut may lose, and "
                "whether the power was cut"},
    {.name = "x/list.json",
     .show = ShowListing,
     .visible = WithLister,
     .summary = "everything about the bus, as nvdimmfs list --schema 1 prints it"},
    {.name = "x/metrics",
     .show = ShowMetrics,
     .summary = "capacity, free bytes, bad bytes, states and numbers of events below the bus, as "
                "OpenMetrics"},
    {.name = "x/scrub",
     .show = ShowProgress,
     .visible = WithScrub<0444>,
     .summary = "how far a scrub has come"},
    kLastErrorAttribute,
    kLastErrorJsonAttribute,
};

}  // namespace

absl::Span<const Attribute> BusAttributes() { return kBusAttributes; }

}  // namespace nvdimmfs::core
