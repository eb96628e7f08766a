// SPDX-License-Identifier: Apache-2.0
// nmem0.
#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/model/common_attributes.h"
#include "core/nd/dimm.h"
#include "core/services/activation.h"
#include "core/services/dimm_commands.h"
#include "core/services/dimm_security.h"
#include "core/system/tables.h"

namespace nvdimmfs::core {
namespace {

Dimm& AsDimm(Device& device) { return static_cast<Dimm&>(device); }
const DimmIdentity& IdentityOf(Device& device) { return AsDimm(device).source().identity; }

constexpr std::pair<NfitFlag, absl::string_view> kNfitFlagWords[] = {
    {kSaveFailed, "save_fail"},       {kRestoreFailed, "restore_fail"},
    {kFlushFailed, "flush_fail"},     {kNotArmed, "not_armed"},
    {kHealthObserved, "smart_event"}, {kMapFailed, "map_fail"},
    {kHealthNotified, "smart_notify"}};

uint16_t Swap(uint16_t value) { return __builtin_bswap16(value); }

absl::StatusOr<std::string> Hex4(uint16_t value) { return absl::StrFormat("0x%04x\n", value); }

absl::StatusOr<std::string> ShowState(Device& device) {
  return std::string(AsDimm(device).users() > 0 ? "active\n" : "idle\n");
}

absl::StatusOr<std::string> ShowFlags(Device& device) {
  return absl::StrCat(AsDimm(device).label_flag() ? "label " : "",
                      AsDimm(device).locked() ? "lock " : "", "\n");
}

absl::StatusOr<std::string> ShowCommands(Device& device) {
  const Dimm& dimm = AsDimm(device);
  const uint64_t functions = dimm.functions();
  return absl::StrCat((functions & BitOf(intel::kSmart)) != 0 ? "smart " : "",
                      (functions & BitOf(intel::kSmartThreshold)) != 0 ? "smart_thresh " : "",
                      dimm.has_label_area() ? "get_size get_data set_data " : "",
                      dimm.has_nfit() ? "cmd_call " : "", "\n");
}

absl::StatusOr<std::string> ShowAvailableSlots(Device& device) {
  const Dimm& dimm = AsDimm(device);
  if (!dimm.has_label_area())
    return Refusal(ENXIO, "dimm.no_labels", absl::StrCat(dimm.name(), ": has no label area"));
  if (dimm.data() == nullptr)
    return Refusal(ENXIO, "dimm.unbound",
                   absl::StrCat(dimm.name(),
                                ": not bound to its driver, so its labels are not "
                                "read; bind it to nvdimm"));
  // One slot is always reserved for updates.
  const uint32_t free_slots = dimm.data()->labels.free_slots();
  return absl::StrCat(free_slots == 0 ? 0 : free_slots - 1, "\n");
}

absl::StatusOr<std::string> ShowDev(Device& device) {
  return AsDimm(device).number().ToString() + "\n";
}

absl::StatusOr<std::string> ShowHandle(Device& device) {
  return FormatHex(IdentityOf(device).handle) + "\n";
}
absl::StatusOr<std::string> ShowPhysId(Device& device) {
  return FormatHex(IdentityOf(device).phys_id) + "\n";
}
absl::StatusOr<std::string> ShowVendor(Device& device) {
  return Hex4(Swap(IdentityOf(device).vendor));
}
absl::StatusOr<std::string> ShowDevice(Device& device) {
  return Hex4(Swap(IdentityOf(device).device));
}
absl::StatusOr<std::string> ShowRevision(Device& device) {
  return Hex4(Swap(IdentityOf(device).revision));
}
absl::StatusOr<std::string> ShowSubsystemVendor(Device& device) {
  return Hex4(Swap(IdentityOf(device).subsystem_vendor));
}
absl::StatusOr<std::string> ShowSubsystemDevice(Device& device) {
  return Hex4(Swap(IdentityOf(device).subsystem_device));
}
absl::StatusOr<std::string> ShowSubsystemRevision(Device& device) {
  return Hex4(Swap(IdentityOf(device).subsystem_revision));
}
absl::StatusOr<std::string> ShowFormat(Device& device) {
  return Hex4(IdentityOf(device).interface_code);
}
absl::StatusOr<std::string> ShowFormats(Device& device) {
  return absl::StrCat(AsDimm(device).source().formats, "\n");
}
absl::StatusOr<std::string> ShowSerial(Device& device) {
  return absl::StrFormat("0x%08x\n", __builtin_bswap32(IdentityOf(device).serial));
}

absl::StatusOr<std::string> ShowId(Device& device) { return AsDimm(device).unique_id() + "\n"; }

absl::Status NoFamily(const Dimm& dimm) {
  return Refusal(ENXIO, "dimm.no_family",
                 absl::StrCat(dimm.name(), ": does not support a DIMM command family"));
}

absl::StatusOr<std::string> ShowFamily(Device& device) {
  if (AsDimm(device).functions() == 0) return NoFamily(AsDimm(device));
  return std::string("0\n");
}

absl::StatusOr<std::string> ShowDsmMask(Device& device) {
  const uint64_t functions = AsDimm(device).functions();
  if (functions == 0) return NoFamily(AsDimm(device));
  return FormatHex(functions) + "\n";
}

// The kernel shows the state of the tables at boot; this shows current health problems.
absl::StatusOr<std::string> ShowNfitFlags(Device& device) {
  const Dimm& dimm = AsDimm(device);
  unsigned flags = dimm.source().nfit_flags;
  if (const intel::Firmware* firmware = dimm.firmware(); firmware != nullptr) {
    if (firmware->has(intel::kSmart) && firmware->health().HasEvent()) flags |= kHealthObserved;
    if (firmware->has(intel::kSmart) && firmware->dirty_at_boot()) flags |= kFlushFailed;
  }
  std::string text;
  for (const auto& [flag, word] : kNfitFlagWords)
    if ((flags & flag) != 0) absl::StrAppend(&text, word, " ");
  return text + "\n";
}

absl::StatusOr<std::string> ShowDirtyShutdown(Device& device) {
  return absl::StrCat(AsDimm(device).firmware()->shutdowns_at_boot(), "\n");
}

uint16_t WithShutdownCount(const Device& device) {
  const Dimm& dimm = static_cast<const Dimm&>(device);
  const bool counted = dimm.firmware() != nullptr &&
                       (dimm.firmware()->has(intel::kSmart) || dimm.quirks().counts_every_shutdown);
  return dimm.has_nfit() && counted ? 0444 : 0;
}

uint16_t WithNfit(const Device& device) {
  return static_cast<const Dimm&>(device).has_nfit() ? 0444 : 0;
}

uint16_t WithControlRegion(const Device& device) {
  const Dimm& dimm = static_cast<const Dimm&>(device);
  return dimm.has_nfit() && dimm.source().has_control_region ? 0444 : 0;
}

template <uint16_t mode>
uint16_t WithActivation(const Device& device) {
  return static_cast<const Dimm&>(device).can_activate() ? mode : 0;
}

constexpr Attribute Nfit(absl::string_view name, absl::StatusOr<std::string> (*show)(Device&),
                         absl::string_view summary) {
  return {.name = name, .show = show, .visible = WithNfit, .summary = summary};
}

constexpr Attribute Control(absl::string_view name, absl::StatusOr<std::string> (*show)(Device&),
                            absl::string_view summary) {
  return {.name = name, .show = show, .visible = WithControlRegion, .summary = summary};
}

uint16_t WithDevice(const Device& device) {
  return static_cast<const Dimm&>(device).source().device != nullptr ? 0444 : 0;
}
// For a real device, whichever kernel is shown: users of the daemon need it.
uint16_t WithCxl(const Device& device) {
  const DimmSource& source = static_cast<const Dimm&>(device).source();
  if (source.device != nullptr) return 0444;
  return source.cxl && device.engine().kernel() >= Kernel::k6_12 ? 0444 : 0;
}
uint16_t WithDeviceToTell(const Device& device) { return WithDevice(device) != 0 ? 0200 : 0; }

absl::StatusOr<std::string> ShowCxlId(Device& device) {
  const DimmSource& source = AsDimm(device).source();
  return absl::StrCat(source.device != nullptr ? source.device->serial() : source.cxl->serial,
                      "\n");
}
absl::StatusOr<std::string> ShowCxlProvider(Device& device) {
  const DimmSource& source = AsDimm(device).source();
  return absl::StrCat(source.device != nullptr ? source.device->provider() : source.cxl->provider,
                      "\n");
}
absl::StatusOr<std::string> ShowIdentity(Device& device) {
  return AsDimm(device).source().device->Describe();
}
absl::StatusOr<std::string> ShowHealth(Device& device) {
  return AsDimm(device).source().device->DescribeHealth();
}

template <MemoryDevice::Wipe wipe>
absl::Status StoreWipe(Device& device, absl::string_view text) {
  const Dimm& dimm = AsDimm(device);
  ASSIGN_OR_RETURN(const int64_t value, ParseSigned(text));
  if (value != 1)
    return Refusal(
        EINVAL, "dimm.wipe",
        absl::StrCat(dimm.name(), ": write 1 to confirm that everything on it will be lost"));
  if (dimm.users() > 0)
    return Refusal(EBUSY, "dimm.active",
                   absl::StrCat(dimm.name(), ": an enabled region uses it; unbind that first"));
  return dimm.source().device->Destroy(wipe);
}

constexpr Attribute kDimmAttributes[] = {
    {.name = "available_slots",
     .show = ShowAvailableSlots,
     .summary = "free label slots, less the one held back for updates"},
    {.name = "commands", .show = ShowCommands, .summary = "the DIMM commands (ioctls) that work"},
    {.name = "dev", .show = ShowDev, .summary = "major:minor of /dev/nmemN"},
    kDevtypeAttribute,
    {.name = "flags", .show = ShowFlags, .summary = "label: labels are in use; lock: locked"},
    kModaliasAttribute,
    {.name = "state", .show = ShowState, .summary = "active while an enabled region uses it"},
    kSecurityAttribute,
    kFrozenAttribute,
    {.name = "firmware/activate",
     .mode = 0600,
     .show = ShowDimmActivate,
     .store = StoreDimmActivate,
     .visible = WithActivation<0600>,
     .summary = "idle, armed or busy",
     .grammar = "arm | disarm",
     .refusals = "firmware.* dimm.test.fails"},
    {.name = "firmware/result",
     .mode = 0400,
     .show = ShowDimmResult,
     .visible = WithActivation<0400>,
     .summary = "what came of the last activation"},
    kUeventAttribute,
    Control("nfit/device", ShowDevice, "device id, byte-swapped"),
    {.name = "nfit/dirty_shutdown",
     .show = ShowDirtyShutdown,
     .visible = WithShutdownCount,
     .summary = "unsafe shutdowns, as counted at boot"},
    Nfit("nfit/dsm_mask", ShowDsmMask, "functions of the command family that work"),
    Nfit("nfit/family", ShowFamily, "command family: 0 is Intel's"),
    Nfit("nfit/flags", ShowNfitFlags, "state flags of the memory device"),
    Control("nfit/format", ShowFormat, "region format interface code"),
    Control("nfit/formats", ShowFormats, "number of interface codes"),
    Nfit("nfit/handle", ShowHandle, "NFIT device handle"),
    Control("nfit/id", ShowId, "vendor, manufacturing and serial as one name"),
    Nfit("nfit/phys_id", ShowPhysId, "SMBIOS handle"),
    Control("nfit/rev_id", ShowRevision, "revision id, byte-swapped"),
    Control("nfit/serial", ShowSerial, "serial number, byte-swapped"),
    Control("nfit/subsystem_device", ShowSubsystemDevice, "subsystem device id, byte-swapped"),
    Control("nfit/subsystem_rev_id", ShowSubsystemRevision, "subsystem revision id, byte-swapped"),
    Control("nfit/subsystem_vendor", ShowSubsystemVendor, "subsystem vendor id, byte-swapped"),
    Control("nfit/vendor", ShowVendor, "vendor id, byte-swapped"),
    {.name = "cxl/id",
     .show = ShowCxlId,
     .visible = WithCxl,
     .summary = "serial number of the CXL device"},
    {.name = "cxl/provider",
     .show = ShowCxlProvider,
     .visible = WithCxl,
     .summary = "the kernel's object between the CXL device and this DIMM"},
    CommandAttribute(RunDimmCommand),
    {.name = "x/erase",
     .mode = 0200,
     .store = StoreWipe<MemoryDevice::Wipe::kErase>,
     .visible = WithDeviceToTell,
     .summary = "1: the device discards its keys, and with them all data",
     .grammar = "1",
     .refusals = "dimm.wipe dimm.active cxl.* input.*"},
    {.name = "x/health",
     .show = ShowHealth,
     .visible = WithDevice,
     .summary = "the health that the device reports when asked"},
    {.name = "x/identity",
     .show = ShowIdentity,
     .visible = WithDevice,
     .summary = "what the device says it is"},
    kLastErrorAttribute,
    kLastErrorJsonAttribute,
    {.name = "x/sanitize",
     .mode = 0200,
     .store = StoreWipe<MemoryDevice::Wipe::kSanitize>,
     .visible = WithDeviceToTell,
     .summary = "1: the device makes all data unreadable",
     .grammar = "1",
     .refusals = "dimm.wipe dimm.active cxl.* input.*"},
};

}  // namespace

absl::Span<const Attribute> DimmAttributes() { return kDimmAttributes; }

}  // namespace nvdimmfs::core
