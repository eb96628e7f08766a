// SPDX-License-Identifier: Apache-2.0
// The engine of the device model: the one configuration lock, the devices below it, binding, and
// the listener that is told of it. It knows no bus; the owners of buses register them with it.
//
// Every entry point takes the lock; everything else in the device model runs under it. Data I/O
// never does: it goes through DataNode. Listeners never call back, so their own locks come after
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
  // `listener` must outlive the engine; it may be null. `kernel` is the one that is mirrored.
  Engine(TreeListener* listener, AttributeTables tables, Kernel kernel);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // The kernel whose tree this is. Any thread.
  Kernel kernel() const { return kernel_; }

  // --- Entry points: any thread. ---

  // ENODEV once the device is gone; EIO where the attribute has no such direction.
  absl::StatusOr<std::string> Show(Device& device, const Attribute& attribute)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // `written` is what one write(2) brought. The kernel's attributes take a page of it, up to the
  // first NUL; files of ours (x/...) refuse more, NULs within, and blanks alone with EINVAL. A
  // refusal is kept for x/last_error.
  absl::Status Store(Device& device, const Attribute& attribute, absl::string_view written)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs a control command; what ioctl(2) would return. A refusal is kept for x/last_error.
  absl::StatusOr<int> RunCommand(Device& device, const Attribute& attribute, const Command& command)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // A program tries to create the file `name` in the directory of `device`. Where that succeeds
  // (Device::CreateAttribute), the caller looks the path up again.
  absl::Status CreateAttribute(Device& device, absl::string_view name) ABSL_LOCKS_EXCLUDED(mutex_);

  // All registered devices, parents before children.
  std::vector<std::shared_ptr<Device>> Devices() ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs `f` under the configuration lock: for readers that need several values of one moment.
  template <typename F>
  auto WithLock(F f) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return f();
  }

  // --- For the device model itself, under the lock. ---

  // Stops the program if the lock is not held, and tells clang's analysis that it is.
  void AssertLocked() const ABSL_ASSERT_EXCLUSIVE_LOCK(mutex_) { mutex_.AssertHeld(); }

  // The configuration lock as thread annotations name it. What a kind of device guards by it says
  // ABSL_GUARDED_BY(engine().lock()); a function that uses that begins with
  // engine().AssertLocked(). (Device and BusType, which lie below, name it Device::lock().)
  absl::Mutex& lock() const ABSL_LOCK_RETURNED(mutex_) { return mutex_; }

  // Runs `f`, which waits for a device, without the lock, so that readers of attributes do not wait
  // with it. For a store that from then on uses nothing of the model but what it keeps alive.
  template <typename F>
  auto WithoutLock(F f) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.Unlock();
    auto result = f();
    mutex_.Lock();
    return result;
  }

  void Register(const std::shared_ptr<Device>& device);
  // The permission bits of the attribute of a device as it is now; 0: this device or kernel() lacks
  // it.
  uint16_t ModeOf(const Device& device, const Attribute& attribute) const;
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

  // Devices without a parent, oldest first, and all there are.
  const std::vector<std::shared_ptr<Device>>& roots() const;
  std::vector<std::shared_ptr<Device>> DevicesLocked() const;

  const NodeNumbers& numbers() const;
  // For all devices, those that are there too.
  void SetNumbers(const NodeNumbers& numbers);
  // A number for the node `name` below the major that `of` sets; the minor is made of it. The same
  // for all of its lives, so that its old node is never taken for another device's.
  uint32_t NumberOf(absl::string_view name, const NodeSetting& of);

  absl::Status Bind(const Driver& driver, Device& device);
  void Unbind(Device& device);
  // Offers a new device to the drivers of its bus, if that probes by itself.
  void AutoProbe(Device& device);
  // The same, whatever the bus says; a refusal is only recorded.
  void Probe(Device& device);

  // Keeps "`what`: the refusal's sentence" as the last error of the device and of the one at the
  // top of its branch.
  void RecordRefusal(Device& device, absl::string_view what, const absl::Status& status);

  // Removes what UnregisterLater was told of: an entry point that is none of the above does so
  // when it is done.
  void FinishRemovals();

 protected:
  // No timer runs and no device is there any more: what those stand on may go.
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
