// SPDX-License-Identifier: Apache-2.0
// The whole device model: an engine with the buses of persistent memory, their drivers and their
// attribute tables.
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
#include "core/model/event_log.h"
#include "core/model/tree_listener.h"
#include "core/nd/bus.h"
#include "core/nd/nd_bus_type.h"
#include "core/nd/sector_layer.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::core {

class System final : public Engine {
 public:
  // Creates the buses of a module that can be unloaded and loaded again.
  using BusMaker = std::function<absl::StatusOr<std::vector<BusSource>>()>;

  // Both must outlive the System; `listener` may be null. With a `module`, the buses that belong to
  // a module can be unloaded and loaded (bus/nd/x/loaded).
  System(SectorLayer& sector_layer, TreeListener* listener, BusMaker module = nullptr,
         Kernel kernel = kDefaultKernel);
  ~System();
  // The System that owns `device`.
  static System& Of(const Device& device) { return static_cast<System&>(device.engine()); }

  // `lister` produces the content of a bus's x/list.json, under the lock. Without it the file does
  // not exist. Set it before adding the first bus.
  void set_bus_lister(std::function<std::string(Bus&)> lister) { bus_lister_ = std::move(lister); }
  const std::function<std::string(Bus&)>& bus_lister() const { return bus_lister_; }

  // Shows the events as x/events, and counts them in the metrics. `events` must outlive the System.
  // Call it once, before adding the first bus.
  void ShowEvents(EventLog& events) ABSL_LOCKS_EXCLUDED(lock());
  // Null before that.
  const EventLog* event_log() const { return events_; }

  // --- Entry points: any thread. ---

  // Adds a bus and enables everything on it, as the kernel does at boot.
  absl::Status AddBus(BusSource source);
  // Finds a device of any kind in bus/nd/devices by name; null if there is none.
  std::shared_ptr<Device> Find(absl::string_view name);

  // --- Under the lock. ---

  bool has_module() const { return module_ != nullptr; }
  // Whether the module's buses exist.
  bool IsModuleLoaded() const {
    AssertLocked();
    return module_device_ != nullptr;
  }
  // Removes the module's buses, and their contents if those were in memory.
  void UnloadModule();
  // Does nothing if it is loaded. Fails as the maker or AddBus does.
  absl::Status LoadModule();

 private:
  absl::Status AddBusLocked(BusSource source);
  void AddTestDimms(Bus& bus);
  // The directories of core/system/platform_device.h.
  void KeepFolders(const Bus& bus);
  void ShowModule();

  const BusMaker module_;
  std::function<std::string(Bus&)> bus_lister_;  // constant once there is a bus
  EventLog* events_ = nullptr;                   // likewise
  const std::shared_ptr<DaxBus> dax_bus_;
  const std::shared_ptr<NdBusType> nd_;
  // module/nfit_test, while that is loaded.
  std::shared_ptr<Device> module_device_ ABSL_GUARDED_BY(lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SYSTEM_SYSTEM_H_
