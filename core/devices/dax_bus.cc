#include "core/devices/dax_bus.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/devices/bus_attributes.h"
#include "core/devices/dax_instance.h"
#include "core/devices/system.h"

namespace nvdimmfs::core {
namespace {

constexpr DaxDriver::Operations kDrivers[] = {
    {.name = "device_dax",
     .takes_all = true,
     .probe = [](DaxInstance& instance) { return instance.Open(); },
     .remove = [](DaxInstance& instance) { instance.Close(); }},
    {.name = "kmem",
     .takes_all = false,
     .probe = [](DaxInstance& instance) { return instance.AddToMemory(); },
     .remove = [](DaxInstance& instance) { instance.RemoveFromMemory(); }},
};

DaxDriver& AsDriver(Device& device) { return static_cast<DaxDriver&>(device); }
DaxBus& AsBus(Device& device) { return static_cast<DaxBus&>(device); }

absl::Status StoreBind(Device& device, absl::string_view text) {
  const DaxDriver& driver = AsDriver(device);
  const absl::string_view name = WithoutNewline(text);
  DaxInstance* const instance = driver.bus().Find(name);
  if (instance == nullptr || !driver.Matches(*instance))
    return Refusal(ENODEV, "driver.no_device",
                   absl::StrCat("bind ", name, ": not a device that ", driver.name(),
                                " drives; see bus/dax/devices",
                                driver.operations().takes_all ? "" : ", and write it to new_id"));
  return driver.bus().Bind(driver, *instance);
}

absl::Status StoreUnbind(Device& device, absl::string_view text) {
  const DaxDriver& driver = AsDriver(device);
  const absl::string_view name = WithoutNewline(text);
  DaxInstance* const instance = driver.bus().Find(name);
  if (instance == nullptr || instance->dax_driver() != &driver)
    return Refusal(ENODEV, "driver.not_bound",
                   absl::StrCat("unbind ", name, ": not bound to ", driver.name()));
  driver.bus().Unbind(*instance);
  return absl::OkStatus();
}

absl::Status StoreNewId(Device& device, absl::string_view text) {
  return AsDriver(device).AddId(text);
}
absl::Status StoreRemoveId(Device& device, absl::string_view text) {
  return AsDriver(device).RemoveId(text);
}

constexpr Attribute kDriverAttributes[] = {
    {.name = "bind",
     .mode = 0200,
     .store = StoreBind,
     .summary = "a device's name: give it to this driver"},
    {.name = "new_id",
     .mode = 0200,
     .store = StoreNewId,
     .summary = "a device's name: this driver may have it, and gets it if nobody has it"},
    {.name = "remove_id",
     .mode = 0200,
     .store = StoreRemoveId,
     .summary = "a device's name: this driver may not have it any more"},
    kUeventTriggerAttribute,
    {.name = "unbind",
     .mode = 0200,
     .store = StoreUnbind,
     .summary = "a device's name: take it from this driver"},
};

absl::StatusOr<std::string> ShowAutoprobe(Device& device) {
  return AutoprobeText(AsBus(device).autoprobe);
}

absl::Status StoreAutoprobe(Device& device, absl::string_view text) {
  AsBus(device).autoprobe = ParseAutoprobe(text);
  return absl::OkStatus();
}

absl::Status StoreProbe(Device& device, absl::string_view text) {
  const absl::string_view name = WithoutNewline(text);
  DaxInstance* const instance = AsBus(device).Find(name);
  if (instance == nullptr)
    return Refusal(ENODEV, "driver.no_device",
                   absl::StrCat("probe ", name, ": no such device; see bus/dax/devices"));
  AsBus(device).Probe(*instance);
  return absl::OkStatus();
}

constexpr Attribute kBusAttributes[] = {
    {.name = "drivers_autoprobe",
     .mode = 0644,
     .show = ShowAutoprobe,
     .store = StoreAutoprobe,
     .summary = "whether new devices are given to their driver at once"},
    {.name = "drivers_probe",
     .mode = 0200,
     .store = StoreProbe,
     .summary = "a device's name: offer it to the drivers"},
    kUeventTriggerAttribute,
};

// A number as the kernel writes it again: no sign, no zeros before it.
bool IsPlainNumber(absl::string_view text) {
  return !text.empty() && text.size() <= 9 && (text == "0" || text[0] != '0') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

absl::StatusOr<std::string> ParseId(absl::string_view text) {
  const absl::string_view name = WithoutNewline(text);
  const size_t dot = name.find('.');
  if (name.substr(0, 3) == "dax" && dot != absl::string_view::npos &&
      IsPlainNumber(name.substr(3, dot - 3)) && IsPlainNumber(name.substr(dot + 1)))
    return std::string(name);
  return Refusal(EINVAL, "driver.id",
                 absl::StrCat("\"", name, "\" is not the name of a dax device, such as dax0.1"));
}

}  // namespace

// --- A driver. ---

DaxDriver::DaxDriver(System& system, DaxBus& bus, const Operations& operations)
    : Device(system, DeviceKind::kDaxDriver, std::string(operations.name), nullptr),
      bus_(bus),
      operations_(operations) {}

bool DaxDriver::Matches(const DaxInstance& instance) const {
  return operations_.takes_all || ids_.count(instance.name()) != 0;
}

absl::Status DaxDriver::AddId(absl::string_view text) {
  ASSIGN_OR_RETURN(std::string name, ParseId(text));
  ids_.insert(std::move(name));
  // Whoever is free and in the list by now is tried; who refuses stays free.
  for (DaxInstance* instance : bus_.instances())
    if (instance->dax_driver() == nullptr && Matches(*instance))
      bus_.Bind(*this, *instance).IgnoreError();
  return absl::OkStatus();
}

absl::Status DaxDriver::RemoveId(absl::string_view text) {
  ASSIGN_OR_RETURN(const std::string name, ParseId(text));
  ids_.erase(name);
  return absl::OkStatus();
}

std::string DaxDriver::place() const { return absl::StrCat("bus/dax/drivers/", name()); }

absl::Span<const Attribute> DaxDriver::attributes() const { return kDriverAttributes; }

std::vector<DeviceLink> DaxDriver::inner_links() const {
  return {{"module", absl::StrCat("module/", name())}};
}

// --- The bus. ---

DaxBus::DaxBus(System& system) : Device(system, DeviceKind::kBusType, "dax", nullptr) {}

std::shared_ptr<DaxBus> DaxBus::Make(System& system) {
  auto bus = std::make_shared<DaxBus>(system);
  system.Register(bus);
  bus->memory_ = MemoryBlocks::Make(system);
  for (const DaxDriver::Operations& operations : kDrivers) {
    bus->drivers_.push_back(std::make_shared<DaxDriver>(system, *bus, operations));
    system.Register(bus->drivers_.back());
  }
  return bus;
}

void DaxBus::Add(DaxInstance& instance) {
  instances_.push_back(&instance);
  if (autoprobe) Probe(instance);
}

void DaxBus::Remove(DaxInstance& instance) {
  Unbind(instance);
  instances_.erase(std::remove(instances_.begin(), instances_.end(), &instance), instances_.end());
}

DaxInstance* DaxBus::Find(absl::string_view name) const {
  for (DaxInstance* instance : instances_)
    if (instance->name() == name) return instance;
  return nullptr;
}

absl::Status DaxBus::Bind(const DaxDriver& driver, DaxInstance& instance) {
  if (instance.dax_driver() != nullptr)
    return Refusal(EBUSY, "driver.bound",
                   absl::StrCat("bind ", instance.name(), ": already bound to ",
                                instance.dax_driver()->name(), "; unbind it first"));
  const absl::Status status = driver.operations().probe(instance);
  if (!status.ok()) {
    system().RecordRefusal(instance, absl::StrCat("bind to ", driver.name()), status);
    return status;
  }
  instance.set_dax_driver(&driver);
  system().AddLink(absl::StrCat(instance.path(), "/driver"), driver.path());
  system().AddLink(absl::StrCat(driver.path(), "/", instance.name()), instance.path());
  return status;
}

void DaxBus::Unbind(DaxInstance& instance) {
  const DaxDriver* const driver = instance.dax_driver();
  if (driver == nullptr) return;
  driver->operations().remove(instance);
  instance.set_dax_driver(nullptr);
  system().RemoveLink(absl::StrCat(driver->path(), "/", instance.name()));
  system().RemoveLink(absl::StrCat(instance.path(), "/driver"));
}

void DaxBus::Probe(DaxInstance& instance) {
  for (const auto& driver : drivers_)
    if (instance.dax_driver() == nullptr && driver->Matches(instance))
      Bind(*driver, instance).IgnoreError();
}

absl::Span<const Attribute> DaxBus::attributes() const { return kBusAttributes; }

}  // namespace nvdimmfs::core
