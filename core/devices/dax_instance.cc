#include "core/devices/dax_instance.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/input.h"
#include "core/devices/dax_bus.h"
#include "core/devices/namespace.h"
#include "core/devices/node_attributes.h"
#include "core/devices/pfn_device.h"
#include "core/devices/region.h"
#include "core/devices/system.h"

namespace nvdimmfs::core {
namespace {

using Text = absl::StatusOr<std::string>;

const PfnDevice& DaxOf(Device& device) {
  return device.kind() == DeviceKind::kDaxRegion ? static_cast<DaxRegion&>(device).dax()
                                                 : static_cast<DaxInstance&>(device).dax();
}

Text ShowAlign(Device& device) { return absl::StrCat(DaxOf(device).align(), "\n"); }
Text ShowId(Device& device) { return absl::StrCat(DaxOf(device).region().id(), "\n"); }

Text ShowSize(Device& device) {
  const auto data = DaxOf(device).data();
  if (!data.ok()) return data.status();
  return absl::StrCat(data->size, "\n");
}

Text ShowStart(Device& device) {
  const auto data = DaxOf(device).data();
  if (!data.ok()) return data.status();
  return FormatHex(data->start) + "\n";
}

Text ShowEnd(Device& device) {
  const auto data = DaxOf(device).data();
  if (!data.ok()) return data.status();
  return FormatHex(data->end() - 1) + "\n";
}

Text ShowPageOffset(Device&) { return std::string("0x0\n"); }
Text ShowNothing(Device&) { return std::string(); }
Text ShowDaxModalias(Device&) { return std::string("dax:t0\n"); }
Text ShowDev(Device& device) {
  return absl::StrCat(static_cast<DaxInstance&>(device).number().ToString(), "\n");
}

constexpr Attribute kDaxRegionAttributes[] = {
    {.name = "align", .mode = 0400, .show = ShowAlign, .summary = "bytes"},
    {.name = "id", .show = ShowId, .summary = "the region's number"},
    {.name = "size", .show = ShowSize, .summary = "bytes"},
};

constexpr Attribute kInstanceAttributes[] = {
    {.name = "align", .show = ShowAlign, .summary = "bytes"},
    {.name = "dev", .show = ShowDev, .summary = "major:minor"},
    {.name = "mapping0/end", .mode = 0400, .show = ShowEnd, .summary = "last address"},
    {.name = "mapping0/page_offset", .mode = 0400, .show = ShowPageOffset, .summary = "pages"},
    {.name = "mapping0/start", .mode = 0400, .show = ShowStart, .summary = "first address"},
    {.name = "mapping0/uevent",
     .mode = 0644,
     .show = ShowNothing,
     .store = StoreUevent,
     .raw_input = true},
    {.name = "modalias", .show = ShowDaxModalias, .summary = "dax:t0"},
    kNumaNodeAttribute,
    {.name = "resource", .mode = 0400, .show = ShowStart, .summary = "first address"},
    {.name = "size", .show = ShowSize, .summary = "bytes"},
    kTargetNodeAttribute,
    kUeventAttribute,
    kLastErrorAttribute,
};

}  // namespace

DaxRegion::DaxRegion(PfnDevice& dax)
    : Device(dax.system(), DeviceKind::kDaxRegion, "dax_region", &dax), dax_(dax) {}

absl::Span<const Attribute> DaxRegion::attributes() const { return kDaxRegionAttributes; }

DaxInstance::DaxInstance(PfnDevice& dax, std::string name, std::shared_ptr<Media> media,
                         std::vector<std::string> aliases)
    : Device(dax.system(), DeviceKind::kDaxChild, std::move(name), &dax),
      dax_(dax),
      minor_(dax.system().NumberOf(this->name(), System::NodeClass::kDax)),
      media_(std::move(media)),
      aliases_(std::move(aliases)) {}

std::shared_ptr<DaxInstance> DaxInstance::Attach(PfnDevice& dax, std::shared_ptr<Media> media,
                                                 std::vector<std::string> aliases) {
  System& system = dax.system();
  const std::string name = absl::StrCat("dax", dax.region().id(), ".", dax.ns()->id());
  std::shared_ptr<DaxInstance> instance(
      new DaxInstance(dax, name, std::move(media), std::move(aliases)));
  instance->region_ = std::make_shared<DaxRegion>(dax);
  system.Register(instance->region_);
  system.Register(instance);
  dax.region().source().media->ObservePoison(instance);
  system.dax_bus().Add(*instance);
  return instance;
}

void DaxInstance::Detach() {
  system().dax_bus().Remove(*this);
  system().Unregister(*region_);
  system().Unregister(*this);
}

absl::Status DaxInstance::Open() {
  ASSIGN_OR_RETURN(const Range memory, dax_.data());
  RETURN_IF_ERROR(system().dax_bus().memory().Check(memory));
  node_ = std::make_shared<DataNode>(
      media_, DataNode::Options{
                  .name = name(), .block_size = 4096, .read_only = dax_.region().read_only()});
  system().AddData(file(), node_);
  system().AddAliases(aliases_, file());
  return absl::OkStatus();
}

void DaxInstance::Close() {
  node_->Close();
  system().RemoveAliases(aliases_, file());
  system().RemoveData(file());
  node_.reset();
}

absl::Status DaxInstance::AddToMemory() {
  ASSIGN_OR_RETURN(const Range memory, dax_.data());
  return system().dax_bus().memory().Add(memory, dax_.region().source().target_node);
}

void DaxInstance::RemoveFromMemory() {
  if (const auto memory = dax_.data(); memory.ok()) system().dax_bus().memory().Remove(*memory);
}

void DaxInstance::PoisonChanged(PoisonChange change) {
  if (change == PoisonChange::kWentBad) system().NotifyDataChanged(file());
}

std::string DaxInstance::file() const { return absl::StrCat("dev/", name()); }

DeviceNumber DaxInstance::number() const { return {system().numbers().dax, minor_}; }

absl::Span<const Attribute> DaxInstance::attributes() const { return kInstanceAttributes; }

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
                      driver_ == nullptr ? "" : absl::StrCat("\nDRIVER=", driver_->name()),
                      "\nMODALIAS=dax:t0\n");
}

}  // namespace nvdimmfs::core
