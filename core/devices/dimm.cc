#include "core/devices/dimm.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/devices/activation.h"
#include "core/devices/bus.h"
#include "core/devices/dimm_commands.h"
#include "core/devices/dimm_security.h"
#include "core/devices/region.h"
#include "core/devices/system.h"
#include "core/media/memory_media.h"

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
  if (dimm.data() == nullptr)
    return Refusal(ENXIO, "dimm.no_labels",
                   absl::StrCat(dimm.name(), dimm.has_label_area()
                                                 ? ": its driver is unbound, labels are not read"
                                                 : ": has no label area"));
  // One slot is always held back for updates.
  const uint32_t free_slots = dimm.data()->labels.free_slots();
  return absl::StrCat(free_slots == 0 ? 0 : free_slots - 1, "\n");
}

uint32_t MajorOf(const Device& device) { return device.system().numbers().dimm; }

absl::StatusOr<std::string> ShowDev(Device& device) {
  return absl::StrCat(MajorOf(device), ":", AsDimm(device).id(), "\n");
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
                 absl::StrCat(dimm.name(), ": offers no family of DIMM commands"));
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

// The kernel shows what the tables said at boot; here health that calls for attention shows while
// it lasts.
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
  // (The test module counts for all of its DIMMs.)
  const bool counted = dimm.firmware() != nullptr && (dimm.firmware()->has(intel::kSmart) ||
                                                      dimm.source().test_controls != nullptr);
  return dimm.has_nfit() && counted ? 0444 : 0;
}

// Whether a repair can do something about what was found.
bool CallsForRepair(const LabelArea& labels) {
  const std::vector<Finding>& findings = labels.findings();
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    const LabelReason* reason = FindLabelReason(finding.reason);
    return reason != nullptr && reason->repair == LabelRepair::kMends;
  });
}

std::shared_ptr<Media> AreaOf(const DimmSource& source) {
  return source.labels != nullptr ? source.labels : std::make_shared<MemoryMedia>(0);
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
uint16_t WithDeviceToTell(const Device& device) { return WithDevice(device) != 0 ? 0200 : 0; }

absl::StatusOr<std::string> ShowCxlId(Device& device) {
  return absl::StrCat(AsDimm(device).source().device->serial(), "\n");
}
absl::StatusOr<std::string> ShowCxlProvider(Device& device) {
  return absl::StrCat(AsDimm(device).source().device->provider(), "\n");
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
    return Refusal(EINVAL, "dimm.wipe",
                   absl::StrCat(dimm.name(), ": write 1, and everything on it is lost"));
  if (dimm.users() > 0)
    return Refusal(EBUSY, "dimm.active",
                   absl::StrCat(dimm.name(), ": an enabled region uses it; unbind that first"));
  return dimm.source().device->Destroy(wipe);
}

constexpr Attribute kDimmAttributes[] = {
    {.name = "available_slots",
     .show = ShowAvailableSlots,
     .summary = "free label slots, less the one held back for updates"},
    {.name = "commands", .show = ShowCommands, .summary = "the DIMM commands that work"},
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
     .summary = "idle, armed or busy; takes arm and disarm"},
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
     .visible = WithDevice,
     .summary = "serial number of the CXL device"},
    {.name = "cxl/provider",
     .show = ShowCxlProvider,
     .visible = WithDevice,
     .summary = "the kernel's object between the CXL device and this DIMM"},
    CommandAttribute(RunDimmCommand),
    {.name = "x/erase",
     .mode = 0200,
     .store = StoreWipe<MemoryDevice::Wipe::kErase>,
     .visible = WithDeviceToTell,
     .summary = "1: the device forgets its keys, and so all data"},
    {.name = "x/health",
     .show = ShowHealth,
     .visible = WithDevice,
     .summary = "how the device fares, asked just now"},
    {.name = "x/identity",
     .show = ShowIdentity,
     .visible = WithDevice,
     .summary = "what the device says that it is"},
    kLastErrorAttribute,
    {.name = "x/sanitize",
     .mode = 0200,
     .store = StoreWipe<MemoryDevice::Wipe::kSanitize>,
     .visible = WithDeviceToTell,
     .summary = "1: the device makes all data unreadable"},
};

}  // namespace

Dimm::Dimm(System& system, Bus& bus, int id, DimmSource source, bool has_nfit)
    : NdDevice(system, DeviceKind::kDimm, absl::StrCat("nmem", id), &bus),
      id_(id),
      source_(std::move(source)),
      has_nfit_(has_nfit),
      label_flag_(source_.labelling),
      label_media_(std::make_shared<LabelNodeMedia>(AreaOf(source_), name())),
      label_node_(std::make_shared<DataNode>(label_media_, DataNode::Options{.name = name()})) {}

std::string Dimm::unique_id() const {
  const DimmIdentity& identity = source_.identity;
  const uint32_t serial = __builtin_bswap32(identity.serial);
  if (!identity.manufacturing) return absl::StrFormat("%04x-%08x", Swap(identity.vendor), serial);
  return absl::StrFormat("%04x-%02x-%04x-%08x", Swap(identity.vendor),
                         identity.manufacturing->location, Swap(identity.manufacturing->date),
                         serial);
}

bool Dimm::takes_call() const { return bus().takes_call(); }

bool Dimm::can_activate() const {
  return (functions() & intel::kActivateBits) == intel::kActivateBits;
}

uint64_t Dimm::functions() const {
  const uint64_t labels = has_label_area() ? kLabelFunctions : 0;
  if (!has_nfit_) return 0;
  if (firmware() == nullptr) return labels;
  return (firmware()->functions() & ~kLabelFunctions) | labels;
}

absl::Span<const Attribute> Dimm::attributes() const { return kDimmAttributes; }

std::optional<DeviceLink> Dimm::node_link() const {
  return DeviceLink{absl::StrCat("sys/dev/char/", MajorOf(*this), ":", id_), path()};
}

std::string Dimm::uevent() const {
  return absl::StrCat("MAJOR=", MajorOf(*this), "\nMINOR=", id_, "\nDEVNAME=", name(), "\n",
                      NdDevice::uevent());
}

absl::Status Dimm::TestVerdict(uint64_t function) const {
  if (source_.test_controls == nullptr) return absl::OkStatus();
  const absl::Status verdict = source_.test_controls->Verdict(function);
  return verdict.ok() ? verdict : Annotate(verdict, name());
}

// EACCES is how a kernel hears of a lock: where the label area's properties say so, the bytes are
// locked and the labels can be read; where the labels do, nothing can be done with the DIMM.
absl::StatusOr<LabelArea> Dimm::ReadLabels() {
  const absl::Status size = TestVerdict(intel::kGetLabelSize);
  labels_locked_ = ErrnoOf(size) == EACCES;
  if (!labels_locked_) RETURN_IF_ERROR(size);
  absl::StatusOr<LabelArea> area = LabelArea::Open(source_.labels, source_.cxl_labels);
  labels_locked_ = labels_locked_ || ErrnoOf(area.status()) == EACCES;
  return area;
}

absl::Status Dimm::Probe() {
  if (source_.missing)
    return Refusal(ENXIO, "dimm.missing",
                   absl::StrCat(name(), ": ", source_.description, " is missing"));
  // A DIMM that stays locked is enabled all the same; its namespaces are not.
  if (const absl::Status unlocked = UnlockDimm(*this); !unlocked.ok())
    system().RecordRefusal(*this, absl::StrCat("enable ", name()), unlocked);
  if (!has_label_area()) {
    if (!label_flag_) return absl::OkStatus();
    return Refusal(ENXIO, "dimm.no_labels", absl::StrCat(name(), ": has no label area"));
  }
  if (std::shared_ptr<DimmData> kept = shared_data_.lock(); kept != nullptr && users_ > 0) {
    data_ = std::move(kept);
    return absl::OkStatus();
  }
  absl::StatusOr<LabelArea> area = ReadLabels();
  if (!area.ok()) return area.status();
  auto data = std::make_shared<DimmData>(*std::move(area));
  for (const StoredLabel& stored : data->labels.labels()) {
    const auto dpa = MakeRange(stored.label.dpa, stored.label.rawsize);
    if (!dpa)
      return Refusal(
          EBUSY, "label.dpa.wraps",
          absl::StrCat(name(), ": label in slot ", stored.slot, " spans ", stored.label.rawsize,
                       " bytes from DPA ", FormatHex(stored.label.dpa),
                       ", past the end of the address space"));
    const absl::Status reserved = data->space.Reserve({*dpa, stored.label.uuid});
    if (!reserved.ok())
      return Annotate(reserved, absl::StrCat(name(), ": label in slot ", stored.slot));
  }
  if (data->labels.has_index()) label_flag_ = true;
  data_ = std::move(data);
  shared_data_ = data_;
  if (const auto& findings = data_->labels.findings(); !findings.empty())
    set_last_error(LinesOf(findings, LabelAdvice()));
  return absl::OkStatus();
}

std::string Dimm::LabelAdvice() const {
  const bool unread = data_ == nullptr;
  const bool repair = unread || CallsForRepair(data_->labels);
  const bool give_up = unread || data_->labels.verdict() != LabelVerdict::kFindings;
  // An image is a SOURCE by itself; a device, or memory, goes by what the user knows it by.
  std::string source = "SOURCE";
  if (absl::StartsWith(source_.description, "/") && !absl::StartsWith(source_.description, "/dev/"))
    source = absl::StrCat(source_.description,
                          source_.label_file.empty() ? "" : ",labels=", source_.label_file);
  std::string advice = absl::StrCat("to see what is wrong: nvdimmfs check ", source);
  if (repair)
    absl::StrAppend(&advice, "; to mend it, unmount and: nvdimmfs check --repair ", source);
  if (give_up)
    absl::StrAppend(&advice,
                    "; to give its labels up and keep a copy, unmount and: nvdimmfs "
                    "init-labels --force ",
                    source);
  return advice;
}

absl::Status Dimm::AboutLabels(const absl::Status& refusal) const {
  if (refusal.ok()) return refusal;
  const absl::Status named = Annotate(refusal, absl::StrCat("labels of ", name()));
  return Refusal(ErrnoOf(named), ReasonOf(named),
                 absl::StrCat(named.message(), "; ", LabelAdvice()));
}

void Dimm::Remove() { data_.reset(); }

bool Dimm::in_use() const {
  for (const auto& region : bus().regions())
    for (const Mapping& mapping : region->mappings())
      if (region->enabled() && mapping.dimm.get() == this) return true;
  return users_ > 0;
}

absl::Status Dimm::EraseData() { return EraseContent(*source_.capacity); }

void Dimm::StartOverwrite() {
  label_media_->set_in_use(true);
  std::vector<std::shared_ptr<Media>> everything = {source_.capacity};
  if (has_label_area()) everything.push_back(source_.labels);
  const absl::Time end = firmware()->now() + firmware()->overwrite_time();
  overwrite_ = std::make_unique<Overwrite>(everything, [this, end](const absl::Status& status) {
    system().After(std::max(end - firmware()->now(), absl::ZeroDuration()), *this,
                   [this, status] { FinishOverwrite(status); });
  });
}

void Dimm::FinishOverwrite(const absl::Status& status) {
  overwrite_.reset();
  absl::Status result = status;
  result.Update(firmware()
                    ->ChangeSecurity([](intel::Security& security) {
                      security.EndOverwrite();
                      return intel::kSuccess;
                    })
                    .status());
  if (!result.ok()) system().RecordRefusal(*this, absl::StrCat("overwrite ", name()), result);
  label_media_->set_in_use(users_ > 0);
  // What the driver read of the labels is not there any more.
  if (driver() != nullptr) {
    system().Unbind(*this);
    system().Probe(*this);
  }
  system().NotifyChanged(*this, "security");
}

Bus& Dimm::bus() const { return static_cast<Bus&>(*parent()); }

void Dimm::ShowLabelArea() { system().AddData(absl::StrCat("dev/", name()), label_node_); }

void Dimm::CountUsers(int more) {
  users_ += more;
  label_media_->set_in_use(users_ > 0);
}

void Dimm::Removed() {
  overwrite_.reset();
  label_node_->Close();
  system().RemoveData(absl::StrCat("dev/", name()));
  system().dimm_ids().Give(id_);
}

}  // namespace nvdimmfs::core
