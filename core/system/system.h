// SPDX-License-Identifier: Apache-2.0
// The whole device model: an engine with the buses of persistent memory, their drivers and
// attribute tables on it.
#ifndef NVDIMMFS_CORE_SYSTEM_SYSTEM_H_
#define NVDIMMFS_CORE_SYSTEM_SYSTEM_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/dax/dax_bus.h"
#include "core/model/engine.h"
#include "core/model/tree_listener.h"
#include "core/nd/bus.h"
#include "core/nd/nd_bus_type.h"
#include "core/nd/sector_layer.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::core {

class System final : public Engine {
 public:
  // Makes as new the buses of a module that can be unloaded and loaded again.
  using BusMaker = std::function<absl::StatusOr<std::vector<BusSource>>()>;

  // Both must outlive the System; `listener` may be null. With a `module` the buses that say so
  // can be unloaded and loaded (bus/nd/x/loaded).
  System(SectorLayer& sector_layer, TreeListener* listener, BusMaker module = nullptr,
         Kernel kernel = kDefaultKernel);
  ~System();
  // The one that a device of it belongs to.
  static System& Of(const Device& device) { return static_cast<System&>(device.engine()); }

  // Makes the content of x/list.json of a bus, under the lock. Without it the file does not exist.
  // Set it before the first bus is added.
  void set_bus_lister(std::function<std::string(Bus&)> lister) { bus_lister_ = std::move(lister); }
  const std::function<std::string(Bus&)>& bus_lister() const { return bus_lister_; }

  // --- Entry points: any thread. ---

  // Adds a bus and enables everything on it, as the kernel does at boot.
  absl::Status AddBus(BusSource source);
  // A device of any kind below bus/nd/devices, by name, or null.
  std::shared_ptr<Device> Find(absl::string_view name);

  // --- Under the lock. ---

  bool has_module() const { return module_ != nullptr; }
  // Whether the module's buses are there.
  bool IsModuleLoaded() const {
    AssertLocked();
    return module_device_ != nullptr;
  }
  // Its buses go, and what was in memory with them.
  void UnloadModule();
  // Nothing where it is loaded. As the maker, or as AddBus.
  absl::Status LoadModule();

 private:
  absl::Status AddBusLocked(BusSource source);
  void AddTestDimms(Bus& bus);
  // The directories of core/system/platform_device.h.
  void KeepFolders(const Bus& bus);
  void ShowModule();

  const BusMaker module_;
  std::function<std::string(Bus&)> bus_lister_;  // constant once there is a bus
  const std::shared_ptr<DaxBus> dax_bus_;
  const std::shared_ptr<NdBusType> nd_;
  // module/nfit_test, while that is loaded.
  std::shared_ptr<Device> module_device_ ABSL_GUARDED_BY(lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SYSTEM_SYSTEM_H_
