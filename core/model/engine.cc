// SPDX-License-Identifier: Apache-2.0
#include "core/model/engine.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/input.h"
#include "core/base/status.h"
#include "core/model/bus_type.h"

namespace nvdimmfs::core {
namespace {

constexpr size_t kPage = 4096;  // the longest single write that an attribute takes

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

// Whether every line is blank or a comment.
bool SaysNothing(absl::string_view text) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const absl::string_view words = Trim(line);
    if (!words.empty() && words.front() != '#') return false;
  }
  return true;
}

// The text written to one of our own files (x/...), without the NULs that a C program may append.
// The kernel's parsers use the part of a value that they understand. These files create and destroy
// things, so anything doubtful is refused.
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
                   absl::StrCat("byte ", nul, " is a NUL followed by more bytes; write text"));
  if (SaysNothing(text))
    return Refusal(EINVAL, "command.empty",
                   absl::StrCat("only blanks, comments or NULs were written, and nothing was "
                                "done; it takes ",
                                attribute.grammar));
  return text;
}

// The part of one write(2) that an attribute's store gets.
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

Engine::Engine(TreeListener* listener, AttributeTables tables, Kernel kernel)
    : listener_(listener), tables_(std::move(tables)), kernel_(kernel) {}

Engine::~Engine() { Stop(); }

void Engine::Stop() {
  timers_.Stop();
  absl::MutexLock lock(&mutex_);
  while (!roots_.empty()) Unregister(*roots_.back());
}

absl::StatusOr<std::string> Engine::Show(Device& device, const Attribute& attribute) {
  absl::MutexLock lock(&mutex_);
  if (!device.registered()) return Gone(device);
  if (attribute.show == nullptr)
    return Refusal(EIO, "attribute.write_only",
                   absl::StrCat(device.name(), "/", attribute.name, " cannot be read"));
  return attribute.show(device);
}

absl::Status Engine::Store(Device& device, const Attribute& attribute, absl::string_view written) {
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

absl::StatusOr<int> Engine::RunCommand(Device& device, const Attribute& attribute,
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

absl::Status Engine::CreateAttribute(Device& device, absl::string_view name) {
  absl::MutexLock lock(&mutex_);
  if (!device.registered()) return Gone(device);
  const std::shared_ptr<Device> alive = device.shared_from_this();
  const absl::Status status = device.CreateAttribute(name);
  if (!status.ok()) RecordRefusal(device, absl::StrCat(device.name(), "/", name), status);
  FinishRemovals();
  return status;
}

void Engine::RecordRefusal(Device& device, absl::string_view what, const absl::Status& status) {
  AssertLocked();
  const LastError refusal = LastError::OfRefusal(what, status);
  device.set_last_error(refusal);
  if (Device& top = TopOf(device); &top != &device) top.set_last_error(refusal);
}

std::vector<std::shared_ptr<Device>> Engine::Devices() {
  absl::MutexLock lock(&mutex_);
  return DevicesLocked();
}

std::vector<std::shared_ptr<Device>> Engine::DevicesLocked() const {
  AssertLocked();
  std::vector<std::shared_ptr<Device>> devices;
  Collect(roots_, devices);
  return devices;
}

const std::vector<std::shared_ptr<Device>>& Engine::roots() const {
  AssertLocked();
  return roots_;
}

std::vector<std::shared_ptr<Device>>& Engine::SiblingsOf(const Device& device) {
  Device* const parent = device.parent();
  if (parent == nullptr) return roots_;
  parent->AssertLocked();
  return parent->children_;
}

void Engine::Register(const std::shared_ptr<Device>& device) {
  AssertLocked();
  device->lock_ = &mutex_;
  device->AssertLocked();
  const Device* parent = device->parent();
  device->path_ =
      parent == nullptr ? device->place() : absl::StrCat(parent->path(), "/", device->place());
  if (const auto table = tables_.find(device->table_name()); table != tables_.end())
    device->table_ = table->second;
  device->registered_ = true;
  SiblingsOf(*device).push_back(device);
  if (BusType* bus = device->bus_type()) bus->Add(*device);
  if (listener_ != nullptr) listener_->DeviceAdded(device);
  if (const auto link = device->node_link()) AddLink(link->path, link->target);
}

void Engine::Unregister(Device& device) {
  AssertLocked();
  device.AssertLocked();
  if (!device.registered_) return;
  const std::shared_ptr<Device> alive = device.shared_from_this();
  if (device.driver_ != nullptr) Unbind(device);
  while (!device.children_.empty()) Unregister(*device.children_.back());
  if (const auto link = device.node_link()) RemoveLink(link->path);
  device.registered_ = false;
  if (BusType* bus = device.bus_type()) bus->Remove(device);
  if (listener_ != nullptr) listener_->DeviceRemoved(device);
  auto& siblings = SiblingsOf(device);
  // From the end: those that go with their parent are there.
  siblings.erase(std::prev(std::find(siblings.rbegin(), siblings.rend(), alive).base()));
  device.Removed();
}

uint16_t Engine::ModeOf(const Device& device, const Attribute& attribute) const {
  if (!attribute.IsIn(kernel_)) return 0;
  return attribute.visible == nullptr ? attribute.mode : attribute.visible(device);
}

const NodeNumbers& Engine::numbers() const {
  AssertLocked();
  return numbers_;
}

void Engine::SetNumbers(const NodeNumbers& numbers) {
  AssertLocked();
  const std::vector<std::shared_ptr<Device>> devices = DevicesLocked();
  for (const auto& device : devices) {
    device->BeforeNewNumbers();
    if (const auto link = device->node_link()) RemoveLink(link->path);
  }
  numbers_ = numbers;
  for (const auto& device : devices) {
    if (!device->registered()) continue;
    if (const auto link = device->node_link()) AddLink(link->path, link->target);
    device->AfterNewNumbers();
  }
}

uint32_t Engine::NumberOf(absl::string_view name, const NodeSetting& of) {
  AssertLocked();
  absl::flat_hash_map<std::string, uint32_t>& known = known_numbers_[&of];
  const auto next = static_cast<uint32_t>(known.size());
  return known.try_emplace(std::string(name), next).first->second;
}

void Engine::UnregisterLater(const std::shared_ptr<Device>& device) {
  AssertLocked();
  removals_.push_back(device);
}

void Engine::FinishRemovals() {
  AssertLocked();
  for (const auto& device : std::exchange(removals_, {})) Unregister(*device);
}

void Engine::AddLink(absl::string_view path, absl::string_view target) {
  if (listener_ != nullptr) listener_->LinkAdded(path, target);
}

void Engine::RemoveLink(absl::string_view path) {
  if (listener_ != nullptr) listener_->LinkRemoved(path);
}

void Engine::AddData(absl::string_view path, const std::shared_ptr<DataNode>& node) {
  if (listener_ != nullptr) listener_->DataAdded(path, node);
}

void Engine::RemoveData(absl::string_view path) {
  if (listener_ != nullptr) listener_->DataRemoved(path);
}

void Engine::AddAliases(const std::vector<std::string>& aliases, absl::string_view target) {
  AssertLocked();
  for (const std::string& alias : aliases)
    if (aliases_.Claim(alias, target) == AliasTable::Outcome::kMoves) AddLink(alias, target);
}

void Engine::RemoveAliases(const std::vector<std::string>& aliases, absl::string_view target) {
  AssertLocked();
  for (const std::string& alias : aliases) {
    switch (aliases_.Release(alias, target)) {
      case AliasTable::Outcome::kStays:
        break;
      case AliasTable::Outcome::kMoves:
        // Replaces the old link, so that the alias always exists.
        AddLink(alias, *aliases_.Owner(alias));
        break;
      case AliasTable::Outcome::kGoes:
        RemoveLink(alias);
        break;
    }
  }
}

void Engine::NotifyChanged(const Device& device, absl::string_view attribute) {
  if (listener_ != nullptr) listener_->AttributeChanged(device, attribute);
}

void Engine::NotifyDataChanged(absl::string_view path) {
  if (listener_ != nullptr) listener_->DataChanged(path);
}

void Engine::After(absl::Duration delay, Device& device, std::function<void()> action) {
  timers_.After(delay, [this, weak = device.weak_from_this(), action = std::move(action)] {
    CallAfter(weak, action);
  });
}

void Engine::CallAfter(const std::weak_ptr<Device>& device, const std::function<void()>& action) {
  absl::MutexLock lock(&mutex_);
  const std::shared_ptr<Device> alive = device.lock();
  if (alive == nullptr || !alive->registered()) return;
  action();
  FinishRemovals();
}

absl::Status Engine::Bind(const Driver& driver, Device& device) {
  AssertLocked();
  device.AssertLocked();
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
    driver.bus().NoteRefusal(driver, device, status);
  }
  if (driver.operations().probed != nullptr) driver.operations().probed(device, status);
  return status;
}

void Engine::Unbind(Device& device) {
  AssertLocked();
  device.AssertLocked();
  const Driver* driver = device.driver_;
  if (driver == nullptr) return;
  driver->operations().remove(device);
  device.driver_ = nullptr;
  RemoveLink(absl::StrCat(driver->path(), "/", device.name()));
  RemoveLink(absl::StrCat(device.path(), "/driver"));
}

void Engine::Probe(Device& device) {
  AssertLocked();
  const BusType* bus = device.bus_type();
  if (bus == nullptr) return;
  for (const auto& driver : bus->drivers()) {
    if (device.driver() != nullptr) return;
    if (!driver->Matches(device)) continue;
    const absl::Status status = Bind(*driver, device);
    // Expected, so not an error.
    if (!status.ok() && bus->IsExpected(status)) device.set_last_error(LastError::OfNote("", ""));
  }
}

void Engine::AutoProbe(Device& device) {
  if (const BusType* bus = device.bus_type(); bus != nullptr && bus->autoprobe()) Probe(device);
}

}  // namespace nvdimmfs::core
