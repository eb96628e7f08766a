// The whole device model: the buses, the drivers, and the one configuration lock.
//
// Every entry point takes the lock; everything else in core's device model runs under it. Data I/O
// never does: it goes through DataNode. The lock is not held while a listener's own lock is waited
// for by somebody who wants this one (listeners never call back).
#ifndef NVDIMMFS_CORE_DEVICES_SYSTEM_H_
#define NVDIMMFS_CORE_DEVICES_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/timer_queue.h"
#include "core/commands/command.h"
#include "core/devices/alias_table.h"
#include "core/devices/device.h"
#include "core/devices/device_numbers.h"
#include "core/devices/driver.h"
#include "core/devices/id_allocator.h"
#include "core/devices/sector_layer.h"
#include "core/devices/tree_listener.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::core {

class Bus;
class DaxBus;

class System {
 public:
  // Makes as new the buses of a module that can be unloaded and loaded again.
  using BusMaker = std::function<absl::StatusOr<std::vector<BusSource>>()>;

  // Both must outlive the System; `listener` may be null. With a `module` the buses that say so
  // can be unloaded and loaded (bus/nd/x/loaded).
  System(SectorLayer& sector_layer, TreeListener* listener, BusMaker module = nullptr);
  ~System();
  // What x/list.json of a bus reads; runs under the lock. Without one there is no such file. To be
  // set before the first bus is added.
  void set_bus_lister(std::function<std::string(Bus&)> lister) { bus_lister_ = std::move(lister); }
  const std::function<std::string(Bus&)>& bus_lister() const { return bus_lister_; }
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  // --- Entry points: any thread. ---

  // Adds a bus and enables everything on it, as the kernel does at boot.
  absl::Status AddBus(BusSource source);
  // ENODEV once the device is gone; EIO where the attribute has no such direction.
  absl::StatusOr<std::string> Show(Device& device, const Attribute& attribute);
  // `written` is what one write(2) brought. The kernel's attributes take a page of it, up to the
  // first NUL; files of ours (x/...) refuse more, NULs within, and blanks alone with EINVAL. A
  // refusal is kept for x/last_error.
  absl::Status Store(Device& device, const Attribute& attribute, absl::string_view written);

  // Runs a control command; what ioctl(2) would return. A refusal is kept for x/last_error.
  absl::StatusOr<int> RunCommand(Device& device, const Attribute& attribute,
                                 const Command& command);

  // Somebody tries to create the file `name` in the directory of `device`. The one case that
  // succeeds: the `uuid` of a label-less namespace whose DIMM has a blank label area; the area is
  // then taken into use (the region comes back with labels) and the caller looks the path up again.
  absl::Status CreateAttribute(Device& device, absl::string_view name);

  // A device of any kind below bus/nd/devices, by name, or null.
  std::shared_ptr<Device> Find(absl::string_view name);
  // All registered devices, parents before children.
  std::vector<std::shared_ptr<Device>> Devices();

  // Runs `f` under the configuration lock: for readers that need several values of one moment.
  template <typename F>
  auto WithLock(F f) {
    absl::MutexLock lock(&mutex_);
    return f();
  }

  // --- For the device model itself, under the lock. ---

  // Runs `f`, which waits for a device, without the lock: nobody who looks at an attribute waits
  // with it. For a store that looks at nothing of the model from then on but what it keeps alive.
  template <typename F>
  auto WithoutLock(F f) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.Unlock();
    auto result = f();
    mutex_.Lock();
    return result;
  }

  void Register(const std::shared_ptr<Device>& device);
  void Unregister(Device& device);  // children first
  // Removed when the entry point that runs now is done, as the kernel's asynchronous removal looks.
  void UnregisterLater(const std::shared_ptr<Device>& device);
  void AddLink(absl::string_view path, absl::string_view target);
  void RemoveLink(absl::string_view path);
  void AddData(absl::string_view path, const std::shared_ptr<DataNode>& node);
  void RemoveData(absl::string_view path);
  // Further names for `target`; where another has one of them first, that keeps it until it goes.
  void AddAliases(const std::vector<std::string>& aliases, absl::string_view target);
  void RemoveAliases(const std::vector<std::string>& aliases, absl::string_view target);
  // These two from any thread, without the lock.
  void NotifyChanged(const Device& device, absl::string_view attribute);
  void NotifyDataChanged(absl::string_view path);

  // Runs `action` under the configuration lock `delay` from now, unless the device is gone by then.
  void After(absl::Duration delay, Device& device, std::function<void()> action);

  Device* FindLocked(absl::string_view name);
  std::vector<std::shared_ptr<Device>> DevicesLocked() const;

  const DeviceNumbers& numbers() const { return numbers_; }
  // For all devices, those that are there too.
  void SetNumbers(const DeviceNumbers& numbers);
  // A number for the node `name`, of which the minor is made: the same for all of its lives, so
  // that nobody takes its old node for another device's.
  enum class NodeClass { kDisk, kDax };
  uint32_t NumberOf(absl::string_view name, NodeClass of);

  bool has_module() const { return module_ != nullptr; }
  // Whether the module's buses are there.
  bool IsModuleLoaded() const { return module_device_ != nullptr; }
  // Its buses go, and what was in memory with them.
  void UnloadModule();
  // Nothing where it is loaded. As the maker, or as AddBus.
  absl::Status LoadModule();

  absl::Status Bind(const Driver& driver, Device& device);
  void Unbind(Device& device);
  // Offers a new device to the driver that matches it, if autoprobe is on.
  void AutoProbe(Device& device);
  // The same, whatever autoprobe says; a refusal is only recorded.
  void Probe(Device& device);
  bool autoprobe = true;

  const std::vector<const Driver*>& drivers() const { return drivers_; }

  // Keeps "`what`: the refusal's sentence" as the device's and its bus's last error.
  void RecordRefusal(Device& device, absl::string_view what, const absl::Status& status);

  DaxBus& dax_bus() { return *dax_bus_; }
  SectorLayer& sector_layer() { return sector_layer_; }
  IdAllocator& bus_ids() { return bus_ids_; }
  IdAllocator& dimm_ids() { return dimm_ids_; }
  IdAllocator& region_ids() { return region_ids_; }
  uint64_t NextDiskSequence() { return ++disk_sequence_; }

 private:
  absl::Status AddBusLocked(BusSource source);
  // The directories of core/devices/platform_device.h.
  void KeepFolders(const Bus& bus);
  void ShowModule();
  void FinishRemovals();

  absl::Mutex mutex_;
  SectorLayer& sector_layer_;
  TreeListener* const listener_;
  const BusMaker module_;
  std::function<std::string(Bus&)> bus_lister_;
  IdAllocator bus_ids_, dimm_ids_, region_ids_;
  absl::flat_hash_map<std::string, uint32_t> known_numbers_[2];  // by NodeClass
  uint64_t disk_sequence_ = 0;
  DeviceNumbers numbers_;
  std::vector<std::shared_ptr<Device>> roots_;
  std::vector<std::shared_ptr<Device>> removals_;
  std::vector<const Driver*> drivers_;
  std::shared_ptr<DaxBus> dax_bus_;
  std::shared_ptr<Device> module_device_;  // module/nfit_test, while that is loaded
  absl::flat_hash_map<absl::string_view, Device*> by_name_;  // the devices of the nd bus
  AliasTable aliases_;
  TimerQueue timers_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_SYSTEM_H_
