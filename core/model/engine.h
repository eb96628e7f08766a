// SPDX-License-Identifier: Apache-2.0
// The engine of the device model: the single configuration lock, the devices that it guards,
// binding, and the listener that is notified. It knows no particular bus; the owners of buses
// register them.
//
// Every entry point takes the lock; everything else in the device model runs under it. Data I/O
// does not: it goes through DataNode. Listeners never call back, so their own locks are taken after
// this one.
#ifndef NVDIMMFS_CORE_MODEL_ENGINE_H_
#define NVDIMMFS_CORE_MODEL_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/base/kernel.h"
#include "core/base/timer_queue.h"
#include "core/commands/command.h"
#include "core/model/alias_table.h"
#include "core/model/device.h"
#include "core/model/driver.h"
#include "core/model/node_numbers.h"
#include "core/model/tree_listener.h"

namespace nvdimmfs::core {

// Attribute tables by Device::table_name().
using AttributeTables = absl::flat_hash_map<absl::string_view, absl::Span<const Attribute>>;

class Engine {
 public:
  // `listener` must outlive the engine; it may be null. `kernel` is the one to mirror.
  Engine(TreeListener* listener, AttributeTables tables, Kernel kernel);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // The kernel whose tree this is. Any thread.
  Kernel kernel() const { return kernel_; }

  // --- Entry points: any thread. ---

  // ENODEV once the device is gone; EIO if the attribute cannot be read (Show) or written (Store).
  absl::StatusOr<std::string> Show(Device& device, const Attribute& attribute)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // `written` is the data of one write(2). The kernel's attributes use up to a page of it, up to
  // the first NUL. Our own files (x/...) refuse more than a page, embedded NULs, and nothing but
  // blanks with EINVAL. A refusal is kept for x/last_error.
  absl::Status Store(Device& device, const Attribute& attribute, absl::string_view written)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs a control command; returns what ioctl(2) would return. A refusal is kept for x/last_error.
  absl::StatusOr<int> RunCommand(Device& device, const Attribute& attribute, const Command& command)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // A program tries to create the file `name` in the directory of `device`. If that succeeds
  // (Device::CreateAttribute), the caller looks the path up again.
  absl::Status CreateAttribute(Device& device, absl::string_view name) ABSL_LOCKS_EXCLUDED(mutex_);

  // All registered devices, parents before children.
  std::vector<std::shared_ptr<Device>> Devices() ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs `f` under the configuration lock: for readers that need a consistent view of several
  // values.
  template <typename F>
  auto WithLock(F f) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return f();
  }

  // --- For the device model itself, under the lock. ---

  // Stops the program if the lock is not held, and tells clang's analysis that it is.
  void AssertLocked() const ABSL_ASSERT_EXCLUSIVE_LOCK(mutex_) { mutex_.AssertHeld(); }

  // The configuration lock for thread annotations. Members of devices that it guards are
  // ABSL_GUARDED_BY(engine().lock()); functions that use them begin with engine().AssertLocked().
  // (Device and BusType, which are lower layers, use Device::lock().)
  absl::Mutex& lock() const ABSL_LOCK_RETURNED(mutex_) { return mutex_; }

  // Releases the lock while `f` waits for a device, so that readers of attributes do not wait as
  // well. Afterwards the calling store must use only those parts of the model that it keeps alive
  // itself.
  template <typename F>
  auto WithoutLock(F f) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.Unlock();
    auto result = f();
    mutex_.Lock();
    return result;
  }

  void Register(const std::shared_ptr<Device>& device);
  // The current permission bits of a device's attribute; 0: this device or kernel() lacks it.
  uint16_t ModeOf(const Device& device, const Attribute& attribute) const;
  void Unregister(Device& device);  // children first
  // Removes the device at the end of the current entry point, which looks like the kernel's
  // asynchronous removal.
  void UnregisterLater(const std::shared_ptr<Device>& device);
  void AddLink(absl::string_view path, absl::string_view target);
  void RemoveLink(absl::string_view path);
  void AddData(absl::string_view path, const std::shared_ptr<DataNode>& node);
  void RemoveData(absl::string_view path);
  // Additional names for `target`. A name that another file already has stays with that file until
  // it goes.
  void AddAliases(const std::vector<std::string>& aliases, absl::string_view target);
  void RemoveAliases(const std::vector<std::string>& aliases, absl::string_view target);
  // Call these two from any thread, without the lock.
  void NotifyChanged(const Device& device, absl::string_view attribute);
  void NotifyDataChanged(absl::string_view path);

  // Runs `action` under the configuration lock `delay` from now, unless the device is gone by then.
  void After(absl::Duration delay, Device& device, std::function<void()> action);

  // Devices without a parent, oldest first; and all devices.
  const std::vector<std::shared_ptr<Device>>& roots() const;
  std::vector<std::shared_ptr<Device>> DevicesLocked() const;

  const NodeNumbers& numbers() const;
  // For all devices, including existing ones.
  void SetNumbers(const NodeNumbers& numbers);
  // A number for the node `name` under the major that `of` sets; the minor is derived from it. A
  // name gets the same number each time it reappears, so an old node is never mistaken for another
  // device's.
  uint32_t NumberOf(absl::string_view name, const NodeSetting& of);

  absl::Status Bind(const Driver& driver, Device& device);
  void Unbind(Device& device);
  // Offers a new device to the drivers of its bus, if the bus probes automatically.
  void AutoProbe(Device& device);
  // The same even if the bus does not probe automatically; a refusal is only recorded.
  void Probe(Device& device);

  // Stores "`what`: the refusal's sentence" as the last error of the device and of its topmost
  // ancestor.
  void RecordRefusal(Device& device, absl::string_view what, const absl::Status& status);

  // Performs the removals requested by UnregisterLater. An entry point other than those above calls
  // it at its end.
  void FinishRemovals();

 protected:
  // Stops all timers and removes all devices, so that what they use can be destroyed.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void CallAfter(const std::weak_ptr<Device>& device, const std::function<void()>& action)
      ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::shared_ptr<Device>>& SiblingsOf(const Device& device)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  TreeListener* const listener_;
  const AttributeTables tables_;
  const Kernel kernel_;
  // By major, then by name.
  absl::flat_hash_map<const NodeSetting*, absl::flat_hash_map<std::string, uint32_t>> known_numbers_
      ABSL_GUARDED_BY(mutex_);
  NodeNumbers numbers_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Device>> roots_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Device>> removals_ ABSL_GUARDED_BY(mutex_);
  AliasTable aliases_ ABSL_GUARDED_BY(mutex_);
  TimerQueue timers_;  // has a lock of its own
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_ENGINE_H_
