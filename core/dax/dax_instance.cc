// SPDX-License-Identifier: Apache-2.0
#include "core/dax/dax_instance.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/dax/dax_kind.h"
#include "core/model/common_attributes.h"
#include "core/model/driver.h"
#include "core/model/engine.h"

namespace nvdimmfs::core {
namespace {

using Text = absl::StatusOr<std::string>;

const DaxHost& HostOf(Device& device) {
  return device.kind() == DaxKind::kRegion ? static_cast<DaxRegion&>(device).host()
                                           : static_cast<DaxInstance&>(device).host();
}

Text ShowAlign(Device& device) { return absl::StrCat(HostOf(device).align(), "\n"); }
Text ShowId(Device& device) { return absl::StrCat(HostOf(device).region_number(), "\n"); }

Text ShowSize(Device& device) {
  const auto data = HostOf(device).data();
  if (!data.ok()) return data.status();
  return absl::StrCat(data->size, "\n");
}

Text ShowStart(Device& device) {
  const auto data = HostOf(device).data();
  if (!data.ok()) return data.status();
  return FormatHex(data->start) + "\n";
}

Text ShowEnd(Device& device) {
  const auto data = HostOf(device).data();
  if (!data.ok()) return data.status();
  return FormatHex(data->end() - 1) + "\n";
}

Text ShowMemmapOnMemory(Device&) { return std::string("0\n"); }

absl::Status StoreMemmapOnMemory(Device& device, absl::string_view text) {
  ASSIGN_OR_RETURN(const bool on, ParseBool(text, device.engine().kernel()));
  if (!on) return absl::OkStatus();
  return Refusal(EOPNOTSUPP, "dax.memmap_on_memory",
                 absl::StrCat("memmap_on_memory of ", device.name(),
                              ": takes 0 only, as in a kernel booted without "
                              "memory_hotplug.memmap_on_memory=1"));
}

Text ShowPageOffset(Device&) { return std::string("0x0\n"); }
Text ShowNothing(Device&) { return std::string(); }
Text ShowDaxModalias(Device&) { return std::string("dax:t0\n"); }
Text ShowDev(Device& device) {
  return absl::StrCat(static_cast<DaxInstance&>(device).number().ToString(), "\n");
}

constexpr Attribute kDaxRegionAttributes[] = {
    {.name = "align", .mode = 0400, .show = ShowAlign, .summary = "alignment of the memory, bytes"},
    {.name = "id", .show = ShowId, .summary = "number of the region"},
    {.name = "size", .show = ShowSize, .summary = "bytes of memory"},
};

constexpr Attribute kInstanceAttributes[] = {
    {.name = "align", .show = ShowAlign, .summary = "alignment of a mapping, bytes"},
    {.name = "dev", .show = ShowDev, .summary = "major:minor of /dev/daxR.I"},
    {.name = "mapping0/end",
     .mode = 0400,
     .show = ShowEnd,
     .summary = "system physical address of the last byte"},
    {.name = "mapping0/page_offset",
     .mode = 0400,
     .show = ShowPageOffset,
     .summary = "offset in the device, in pages: 0x0"},
    {.name = "mapping0/start",
     .mode = 0400,
     .show = ShowStart,
     .summary = "system physical address of the first byte"},
    {.name = "mapping0/uevent",
     .mode = 0644,
     .show = ShowNothing,
     .store = StoreUevent,
     .raw_input = true,
     .summary = "empty; a write asks for an event, which goes nowhere here",
     .grammar = kUeventGrammar,
     .refusals = "uevent.action"},
    {.name = "memmap_on_memory",
     .mode = 0644,
     .since = Kernel::k6_12,
     .show = ShowMemmapOnMemory,
     .store = StoreMemmapOnMemory,
     .summary = "0: kmem keeps the page structs of the memory elsewhere",
     .grammar = Grammar::kBool,
     .refusals = "input.syntax dax.memmap_on_memory"},
    {.name = "modalias", .show = ShowDaxModalias, .summary = "dax:t0"},
    kNumaNodeAttribute,
    {.name = "resource",
     .mode = 0400,
     .show = ShowStart,
     .summary = "system physical address of the first byte"},
    {.name = "size", .show = ShowSize, .summary = "bytes of memory"},
    kTargetNodeAttribute,
    kUeventAttribute,
    kLastErrorAttribute,
    kLastErrorJsonAttribute,
};

}  // namespace

DaxRegion::DaxRegion(DaxHost& host)
    : Device(host.host_device().engine(), DaxKind::kRegion, "dax_region", &host.host_device()),
      host_(host) {}

absl::Span<const Attribute> DaxRegion::Table() { return kDaxRegionAttributes; }

DaxInstance::DaxInstance(DaxBus& bus, DaxHost& host, std::string name, std::shared_ptr<Media> media,
                         std::vector<std::string> aliases)
    : Device(bus.engine(), DaxKind::kInstance, std::move(name), &host.host_device()),
      bus_(bus),
      host_(host),
      minor_(bus.engine().NumberOf(this->name(), kDaxMajor)),
      media_(std::move(media)),
      aliases_(std::move(aliases)) {}

std::shared_ptr<DaxInstance> DaxInstance::Attach(DaxBus& bus, DaxHost& host, std::string name,
                                                 std::shared_ptr<Media> media, Media& observed,
                                                 std::vector<std::string> aliases) {
  Engine& engine = bus.engine();
  std::shared_ptr<DaxInstance> instance(
      new DaxInstance(bus, host, std::move(name), std::move(media), std::move(aliases)));
  instance->engine().AssertLocked();
  instance->region_ = std::make_shared<DaxRegion>(host);
  engine.Register(instance->region_);
  engine.Register(instance);
  observed.ObservePoison(instance);
  engine.AutoProbe(*instance);
  return instance;
}

void DaxInstance::Detach() {
  engine().AssertLocked();
  engine().Unbind(*this);
  engine().Unregister(*region_);
  engine().Unregister(*this);
}

absl::Status DaxInstance::Open() {
  engine().AssertLocked();
  ASSIGN_OR_RETURN(const Range memory, host_.data());
  RETURN_IF_ERROR(bus_.memory().Check(memory));
  node_ = std::make_shared<DataNode>(
      media_,
      DataNode::Options{.name = name(), .block_size = 4096, .read_only = host_.read_only()});
  engine().AddData(file(), node_);
  engine().AddAliases(aliases_, file());
  return absl::OkStatus();
}

void DaxInstance::Close() {
  engine().AssertLocked();
  node_->Close();
  engine().RemoveAliases(aliases_, file());
  engine().RemoveData(file());
  node_.reset();
}

absl::Status DaxInstance::AddToMemory() {
  ASSIGN_OR_RETURN(const Range memory, host_.data());
  return bus_.memory().Add(memory, target_node());
}

void DaxInstance::RemoveFromMemory() {
  if (const auto memory = host_.data(); memory.ok()) bus_.memory().Remove(*memory);
}

void DaxInstance::PoisonChanged(PoisonChange change) {
  if (change == PoisonChange::kWentBad) engine().NotifyDataChanged(file());
}

std::string DaxInstance::file() const { return absl::StrCat("dev/", name()); }

DeviceNumber DaxInstance::number() const { return {engine().numbers()[kDaxMajor], minor_}; }

absl::Span<const Attribute> DaxInstance::Table() { return kInstanceAttributes; }

std::vector<DeviceLink> DaxInstance::inner_links() const { return {{"subsystem", "bus/dax"}}; }

std::vector<DeviceLink> DaxInstance::links() const {
  return {
      {absl::StrCat("bus/dax/devices/", name()), path()},
  };
}

std::optional<DeviceLink> DaxInstance::node_link() const {
  return DeviceLink{absl::StrCat("sys/dev/char/", number().ToString()), path()};
}

std::string DaxInstance::uevent() const {
  return absl::StrCat(number().Variables(), "DEVNAME=", name(),
                      driver() == nullptr ? "" : absl::StrCat("\nDRIVER=", driver()->name()),
                      "\nMODALIAS=dax:t0\n");
}

}  // namespace nvdimmfs::core
