#include "core/devices/system.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/devices/bus.h"
#include "core/devices/bus_type.h"
#include "core/devices/dax_bus.h"
#include "core/devices/disk.h"
#include "core/devices/module_device.h"
#include "core/devices/namespace.h"
#include "core/devices/platform_device.h"

namespace nvdimmfs::core {
namespace {

constexpr size_t kPage = 4096;  // the longest single write that an attribute takes

// Devices that bus/nd/devices lists.
bool IsOnNdBus(const Device& device) {
  switch (device.kind()) {
    case DeviceKind::kBus:
    case DeviceKind::kDimm:
    case DeviceKind::kRegion:
    case DeviceKind::kNamespace:
    case DeviceKind::kBtt:
    case DeviceKind::kPfn:
    case DeviceKind::kDax:
      return true;
    default:
      return false;
  }
}

absl::Status Gone(const Device& device) {
  return Refusal(ENODEV, "device.gone", absl::StrCat(device.name(), ": the device is gone"));
}

void Collect(const std::vector<std::shared_ptr<Device>>& devices,
             std::vector<std::shared_ptr<Device>>& out) {
  for (const auto& device : devices) {
    out.push_back(device);
    Collect(device->children(), out);
  }
}

std::string Sentence(absl::string_view what, const absl::Status& status) {
  return absl::StrCat(what, ": ", status.message(), " [", ErrnoName(ErrnoOf(status)), ", ",
                      ReasonOf(status), "]");
}

// Whether every line is blank or a comment.
bool SaysNothing(absl::string_view text) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const absl::string_view words = Trim(line);
    if (!words.empty() && words.front() != '#') return false;
  }
  return true;
}

// What was written to a file of ours (x/...), less the NULs that a C program may put behind it. The
// kernel's parsers take the part of a value that they understand; these files make and destroy
// things, so whatever cannot be meant is refused.
absl::StatusOr<absl::string_view> CommandText(const Attribute& attribute,
                                              absl::string_view written) {
  if (written.size() > kPage)
    return Refusal(EINVAL, "command.length",
                   absl::StrCat(written.size(), " bytes in one write; at most ", kPage,
                                " are taken, and nothing was done"));
  absl::string_view text = written;
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  if (const size_t nul = text.find('\0'); nul != absl::string_view::npos)
    return Refusal(EINVAL, "command.nul",
                   absl::StrCat("byte ", nul, " is a NUL, and more follows it; write text"));
  if (SaysNothing(text))
    return Refusal(EINVAL, "command.empty",
                   absl::StrCat("nothing was written but blanks, comments or NULs, and nothing was "
                                "done; it takes ",
                                attribute.summary));
  return text;
}

// What the store of an attribute gets of one write(2).
absl::StatusOr<absl::string_view> StoredText(const Attribute& attribute,
                                             absl::string_view written) {
  if (absl::StartsWith(attribute.name, "x/")) return CommandText(attribute, written);
  written = written.substr(0, kPage);
  return attribute.raw_input ? written : written.substr(0, written.find('\0'));
}

Device& TopOf(Device& device) {
  Device* top = &device;
  while (top->parent() != nullptr) top = top->parent();
  return *top;
}

}  // namespace

System::System(SectorLayer& sector_layer, TreeListener* listener, BusMaker module)
    : sector_layer_(sector_layer), listener_(listener), module_(std::move(module)) {
  absl::MutexLock lock(&mutex_);
  Register(std::make_shared<BusType>(*this));
  for (const Driver::Operations& operations : NdDrivers()) {
    auto driver = std::make_shared<Driver>(*this, operations);
    drivers_.push_back(driver.get());
    Register(driver);
  }
  dax_bus_ = DaxBus::Make(*this);
  for (const absl::string_view name : ModuleDevice::Always())
    Register(std::make_shared<ModuleDevice>(*this, name));
  // Where no bus comes and goes with it, it counts as loaded like the others.
  if (!has_module()) ShowModule();
}

System::~System() {
  timers_.Stop();
  absl::MutexLock lock(&mutex_);
  while (!roots_.empty()) Unregister(*roots_.back());
}

absl::Status System::AddBus(BusSource source) {
  absl::MutexLock lock(&mutex_);
  return AddBusLocked(std::move(source));
}

absl::Status System::AddBusLocked(BusSource source) {
  ASSIGN_OR_RETURN(std::shared_ptr<Bus> bus, Bus::Make(*this, std::move(source)));
  if (has_module() && bus->for_tests()) {
    KeepFolders(*bus);
    ShowModule();
  }
  bus->Enable();
  FinishRemovals();
  return absl::OkStatus();
}

void System::KeepFolders(const Bus& bus) {
  const auto keep = [&](absl::string_view path, const auto& make) {
    const bool kept = std::any_of(roots_.begin(), roots_.end(),
                                  [&](const auto& root) { return root->path() == path; });
    if (!kept) Register(make());
  };
  const std::string platform = bus.path().substr(0, bus.path().rfind('/'));
  keep(platform, [&] { return std::make_shared<PlatformDevice>(*this, platform); });
  keep(TestDimmClass::kPlace, [&] { return std::make_shared<TestDimmClass>(*this); });
}

void System::ShowModule() {
  if (module_device_ != nullptr) return;
  module_device_ = std::make_shared<ModuleDevice>(*this, ModuleDevice::kOfBuses);
  Register(module_device_);
}

void System::UnloadModule() {
  const auto is_of_module = [](const auto& root) {
    return root->kind() == DeviceKind::kBus && static_cast<const Bus&>(*root).for_tests();
  };
  while (true) {
    const auto last = std::find_if(roots_.rbegin(), roots_.rend(), is_of_module);
    if (last == roots_.rend()) break;
    Unregister(**last);
  }
  if (const auto module = std::exchange(module_device_, nullptr)) Unregister(*module);
}

absl::Status System::LoadModule() {
  if (IsModuleLoaded()) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::vector<BusSource> buses, module_());
  for (BusSource& bus : buses) RETURN_IF_ERROR(AddBusLocked(std::move(bus)));
  return absl::OkStatus();
}

absl::StatusOr<std::string> System::Show(Device& device, const Attribute& attribute) {
  absl::MutexLock lock(&mutex_);
  if (!device.registered()) return Gone(device);
  if (attribute.show == nullptr)
    return Refusal(EIO, "attribute.write_only",
                   absl::StrCat(device.name(), "/", attribute.name, " cannot be read"));
  return attribute.show(device);
}

absl::Status System::Store(Device& device, const Attribute& attribute, absl::string_view written) {
  absl::MutexLock lock(&mutex_);
  if (!device.registered()) return Gone(device);
  if (attribute.store == nullptr)
    return Refusal(EIO, "attribute.read_only",
                   absl::StrCat(device.name(), "/", attribute.name, " cannot be written"));
  const std::shared_ptr<Device> alive = device.shared_from_this();
  const absl::StatusOr<absl::string_view> text = StoredText(attribute, written);
  const absl::Status status = text.ok() ? attribute.store(device, *text) : text.status();
  if (!status.ok()) RecordRefusal(device, absl::StrCat(device.name(), "/", attribute.name), status);
  FinishRemovals();
  return status;
}

absl::StatusOr<int> System::RunCommand(Device& device, const Attribute& attribute,
                                       const Command& command) {
  absl::MutexLock lock(&mutex_);
  if (!device.registered()) return Gone(device);
  if (attribute.command == nullptr)
    return Refusal(ENOTTY, "attribute.no_commands",
                   absl::StrCat(device.name(), "/", attribute.name, " takes no commands"));
  const std::shared_ptr<Device> alive = device.shared_from_this();
  absl::StatusOr<int> result = attribute.command(device, command);
  if (!result.ok())
    RecordRefusal(device, absl::StrCat(device.name(), ": command ", command.nr), result.status());
  FinishRemovals();
  return result;
}

absl::Status System::CreateAttribute(Device& device, absl::string_view name) {
  absl::MutexLock lock(&mutex_);
  if (!device.registered()) return Gone(device);
  const std::shared_ptr<Device> alive = device.shared_from_this();
  absl::Status status = Refusal(
      EACCES, "tree.create",
      absl::StrCat(device.name(), " has no attribute \"", name, "\", and none can be created"));
  if (device.kind() == DeviceKind::kNamespace && name == "uuid")
    status = static_cast<Namespace&>(device).TakeLabelsIntoUse();
  if (!status.ok()) RecordRefusal(device, absl::StrCat(device.name(), "/", name), status);
  FinishRemovals();
  return status;
}

void System::RecordRefusal(Device& device, absl::string_view what, const absl::Status& status) {
  const std::string sentence = Sentence(what, status);
  device.set_last_error(sentence);
  Device& top = TopOf(device);
  if (top.kind() == DeviceKind::kBus) top.set_last_error(sentence);
}

std::shared_ptr<Device> System::Find(absl::string_view name) {
  absl::MutexLock lock(&mutex_);
  Device* device = FindLocked(name);
  return device == nullptr ? nullptr : device->shared_from_this();
}

std::vector<std::shared_ptr<Device>> System::Devices() {
  absl::MutexLock lock(&mutex_);
  return DevicesLocked();
}

std::vector<std::shared_ptr<Device>> System::DevicesLocked() const {
  std::vector<std::shared_ptr<Device>> devices;
  Collect(roots_, devices);
  return devices;
}

Device* System::FindLocked(absl::string_view name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void System::Register(const std::shared_ptr<Device>& device) {
  Device* parent = device->parent();
  device->path_ =
      parent == nullptr ? device->place() : absl::StrCat(parent->path(), "/", device->place());
  device->registered_ = true;
  (parent == nullptr ? roots_ : parent->children_).push_back(device);
  if (IsOnNdBus(*device)) by_name_[device->name()] = device.get();
  if (listener_ != nullptr) listener_->DeviceAdded(device);
  if (const auto link = device->node_link()) AddLink(link->path, link->target);
}

void System::Unregister(Device& device) {
  if (!device.registered_) return;
  const std::shared_ptr<Device> alive = device.shared_from_this();
  if (device.driver_ != nullptr) Unbind(device);
  while (!device.children_.empty()) Unregister(*device.children_.back());
  if (const auto link = device.node_link()) RemoveLink(link->path);
  device.registered_ = false;
  if (IsOnNdBus(device)) by_name_.erase(device.name());
  if (listener_ != nullptr) listener_->DeviceRemoved(device);
  auto& siblings = device.parent() == nullptr ? roots_ : device.parent()->children_;
  // From the end, where those are that go with their parent.
  siblings.erase(std::prev(std::find(siblings.rbegin(), siblings.rend(), alive).base()));
  device.Removed();
}

void System::SetNumbers(const DeviceNumbers& numbers) {
  const std::vector<std::shared_ptr<Device>> devices = DevicesLocked();
  for (const auto& device : devices) {
    if (device->kind() == DeviceKind::kBlock) static_cast<Disk&>(*device).HideBackingInfo();
    if (const auto link = device->node_link()) RemoveLink(link->path);
  }
  numbers_ = numbers;
  for (const auto& device : devices) {
    if (!device->registered()) continue;
    if (const auto link = device->node_link()) AddLink(link->path, link->target);
    if (device->kind() == DeviceKind::kBlock) static_cast<Disk&>(*device).ShowBackingInfo();
  }
}

uint32_t System::NumberOf(absl::string_view name, NodeClass of) {
  absl::flat_hash_map<std::string, uint32_t>& known = known_numbers_[static_cast<size_t>(of)];
  const auto next = static_cast<uint32_t>(known.size());
  return known.try_emplace(std::string(name), next).first->second;
}

void System::UnregisterLater(const std::shared_ptr<Device>& device) { removals_.push_back(device); }

void System::FinishRemovals() {
  for (const auto& device : std::exchange(removals_, {})) Unregister(*device);
}

void System::AddLink(absl::string_view path, absl::string_view target) {
  if (listener_ != nullptr) listener_->LinkAdded(path, target);
}

void System::RemoveLink(absl::string_view path) {
  if (listener_ != nullptr) listener_->LinkRemoved(path);
}

void System::AddData(absl::string_view path, const std::shared_ptr<DataNode>& node) {
  if (listener_ != nullptr) listener_->DataAdded(path, node);
}

void System::RemoveData(absl::string_view path) {
  if (listener_ != nullptr) listener_->DataRemoved(path);
}

void System::AddAliases(const std::vector<std::string>& aliases, absl::string_view target) {
  for (const std::string& alias : aliases)
    if (aliases_.Claim(alias, target) == AliasTable::Outcome::kMoves) AddLink(alias, target);
}

void System::RemoveAliases(const std::vector<std::string>& aliases, absl::string_view target) {
  for (const std::string& alias : aliases) {
    switch (aliases_.Release(alias, target)) {
      case AliasTable::Outcome::kStays:
        break;
      case AliasTable::Outcome::kMoves:
        // In place of the old link: there is no moment without one.
        AddLink(alias, *aliases_.Owner(alias));
        break;
      case AliasTable::Outcome::kGoes:
        RemoveLink(alias);
        break;
    }
  }
}

void System::NotifyChanged(const Device& device, absl::string_view attribute) {
  if (listener_ != nullptr) listener_->AttributeChanged(device, attribute);
}

void System::NotifyDataChanged(absl::string_view path) {
  if (listener_ != nullptr) listener_->DataChanged(path);
}

void System::After(absl::Duration delay, Device& device, std::function<void()> action) {
  timers_.After(delay, [this, weak = device.weak_from_this(), action = std::move(action)] {
    absl::MutexLock lock(&mutex_);
    const std::shared_ptr<Device> alive = weak.lock();
    if (alive == nullptr || !alive->registered()) return;
    action();
    FinishRemovals();
  });
}

absl::Status System::Bind(const Driver& driver, Device& device) {
  if (device.driver_ != nullptr)
    return Refusal(EBUSY, "driver.bound",
                   absl::StrCat("bind ", device.name(), ": already bound to ",
                                device.driver_->name(), "; unbind it first"));
  const absl::Status status = driver.operations().probe(device);
  if (status.ok()) {
    device.driver_ = &driver;
    AddLink(absl::StrCat(device.path(), "/driver"), driver.path());
    AddLink(absl::StrCat(driver.path(), "/", device.name()), device.path());
  } else {
    device.set_last_error(Sentence(absl::StrCat("bind ", device.name()), status));
  }
  if (driver.operations().probed != nullptr) driver.operations().probed(device, status);
  return status;
}

void System::Unbind(Device& device) {
  const Driver* driver = device.driver_;
  if (driver == nullptr) return;
  driver->operations().remove(device);
  device.driver_ = nullptr;
  RemoveLink(absl::StrCat(driver->path(), "/", device.name()));
  RemoveLink(absl::StrCat(device.path(), "/driver"));
}

void System::Probe(Device& device) {
  if (device.driver_ != nullptr) return;
  for (const Driver* driver : drivers_) {
    if (!driver->operations().matches(device)) continue;
    const absl::Status status = Bind(*driver, device);
    // Nothing was asked for, so these two are no errors: an empty seed, and a claim that took over.
    if (ReasonOf(status) == "namespace.empty" || ReasonOf(status) == "namespace.claimed")
      device.set_last_error({});
  }
}

void System::AutoProbe(Device& device) {
  if (autoprobe) Probe(device);
}

}  // namespace nvdimmfs::core
