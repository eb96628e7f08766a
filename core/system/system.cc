// SPDX-License-Identifier: Apache-2.0
#include "core/system/system.h"

#include <algorithm>

#include "core/base/status.h"
#include "core/dax/dax_drivers.h"
#include "core/nd/nd_kind.h"
#include "core/services/test_dimm.h"
#include "core/system/module_device.h"
#include "core/system/mount_device.h"
#include "core/system/nd_drivers.h"
#include "core/system/platform_device.h"
#include "core/system/tables.h"

namespace nvdimmfs::core {
namespace {

AttributeTables Tables() {
  return {{"nd_bus_type", NdBusAttributes()},
          {NdKind::kBus.name(), BusAttributes()},
          {NdKind::kControl.name(), ControlAttributes()},
          {NdKind::kDimm.name(), DimmAttributes()},
          {NdKind::kRegion.name(), RegionAttributes()},
          {"nd_namespace_pmem", LabelledNamespaceAttributes()},
          {"nd_namespace_io", WholeNamespaceAttributes()}};
}

}  // namespace

System::System(SectorLayer& sector_layer, TreeListener* listener, BusMaker module, Kernel kernel)
    : Engine(listener, Tables(), kernel),
      module_(std::move(module)),
      dax_bus_(std::make_shared<DaxBus>(*this)),
      nd_(std::make_shared<NdBusType>(*this, sector_layer, *dax_bus_)) {
  WithLock([this] {
    Register(nd_);
    AddNdDrivers(*nd_);
    dax_bus_->Start();
    AddDaxDrivers(*dax_bus_);
    for (const absl::string_view name : ModuleDevice::Always())
      if (name != kFsdevDaxModule || HasFsdevDax(this->kernel()))
        Register(std::make_shared<ModuleDevice>(*this, name));
    // If no bus belongs to it, it counts as always loaded, like the others.
    if (!has_module()) ShowModule();
  });
}

System::~System() {
  if (events_ != nullptr) events_->SetListener(nullptr);
  Stop();
}

void System::ShowEvents(EventLog& events) {
  events_ = &events;
  const std::shared_ptr<MountDevice> mount = MountDevice::Make(*this, events);
  WithLock([&] { Register(mount); });
  events.SetListener([this, mount] {
    NotifyChanged(*mount, "events");
    NotifyChanged(*mount, "events.json");
  });
}

absl::Status System::AddBus(BusSource source) {
  return WithLock([&] {
    const absl::Status status = AddBusLocked(std::move(source));
    FinishRemovals();
    return status;
  });
}

absl::Status System::AddBusLocked(BusSource source) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Bus> bus, Bus::Make(*nd_, std::move(source)));
  AddTestDimms(*bus);
  if (has_module() && bus->quirks().of_module) {
    KeepFolders(*bus);
    ShowModule();
  }
  bus->Enable();
  FinishRemovals();
  return absl::OkStatus();
}

void System::AddTestDimms(Bus& bus) {
  for (const auto& dimm : bus.dimms()) {
    if (dimm->source().test_controls == nullptr) continue;
    const auto test_dimm = std::make_shared<TestDimm>(dimm);
    bus.AddCompanion(test_dimm);
    Register(test_dimm);
  }
}

void System::KeepFolders(const Bus& bus) {
  const auto keep = [&](absl::string_view path, const auto& make) {
    const bool kept = std::any_of(roots().begin(), roots().end(),
                                  [&](const auto& root) { return root->path() == path; });
    if (!kept) Register(make());
  };
  const std::string platform = bus.path().substr(0, bus.path().rfind('/'));
  keep(platform, [&] { return std::make_shared<PlatformDevice>(*this, platform); });
  keep(TestDimmClass::kPlace, [&] { return std::make_shared<TestDimmClass>(*this); });
}

void System::ShowModule() {
  AssertLocked();
  if (module_device_ != nullptr) return;
  module_device_ = std::make_shared<ModuleDevice>(*this, ModuleDevice::kOfBuses);
  Register(module_device_);
}

void System::UnloadModule() {
  AssertLocked();
  const auto is_of_module = [](const auto& root) {
    return root->kind() == NdKind::kBus && static_cast<const Bus&>(*root).quirks().of_module;
  };
  while (true) {
    const auto last = std::find_if(roots().rbegin(), roots().rend(), is_of_module);
    if (last == roots().rend()) break;
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

std::shared_ptr<Device> System::Find(absl::string_view name) {
  return WithLock([&]() -> std::shared_ptr<Device> {
    Device* device = nd_->Find(name);
    return device == nullptr ? nullptr : device->shared_from_this();
  });
}

}  // namespace nvdimmfs::core
