// SPDX-License-Identifier: Apache-2.0
// A node of the device tree: it has a name, a place, a table of attributes and, if bound, a driver.
//
// Everything here is used under the configuration lock of the Engine that owns the device, except
// `kind`, `name`, `path`, `attributes`, `directories` and the links, which are fixed once it is
// registered. Until then only its creator knows the device, and needs no lock.
#ifndef NVDIMMFS_CORE_MODEL_DEVICE_H_
#define NVDIMMFS_CORE_MODEL_DEVICE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "core/model/attribute.h"
#include "core/model/device_kind.h"
#include "core/model/last_error.h"

namespace nvdimmfs::core {

class BusType;
class DataNode;
class Driver;
class Engine;

// A symbolic link that exists for as long as the device is registered.
struct DeviceLink {
  std::string path;
  std::string target;  // from the top of the mount
};

class Device : public std::enable_shared_from_this<Device> {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const DeviceKind& kind() const { return kind_; }
  const std::string& name() const { return name_; }
  Engine& engine() const { return engine_; }
  Device* parent() const { return parent_; }
  // The bus that lists it and whose drivers can bind it, or null.
  virtual BusType* bus_type() const { return nullptr; }

  // Where the device's directory is, from the top of the mount: "devices/virtual/thing0".
  const std::string& path() const { return path_; }
  // The directory's place below the parent's: "thing0", "block/disk0".
  virtual std::string place() const { return name_; }

  // Its table. By default the one registered with the engine under table_name(), available once the
  // device is registered.
  virtual absl::Span<const Attribute> attributes() const { return table_; }
  virtual absl::string_view table_name() const { return kind_.name(); }
  // Sub-directories that exist even when they hold no visible attribute ("firmware", "x").
  virtual std::vector<std::string> directories() const { return {}; }

  // Links in the device's directory (`path` is a name), and elsewhere (from the top of the mount).
  // Both are fixed once the device is registered, and can be read without the lock.
  virtual std::vector<DeviceLink> inner_links() const { return {}; }
  virtual std::vector<DeviceLink> links() const { return {}; }
  // The outer link that is named by Engine::numbers() and changes with them.
  virtual std::optional<DeviceLink> node_link() const { return std::nullopt; }
  // Removes what else depends on those numbers before they change; it is added again afterwards.
  virtual void BeforeNewNumbers() {}
  virtual void AfterNewNumbers() {}

  // Called when the device has left the tree; releases its number.
  virtual void Removed() {}

  // A program tries to create the file `name` in its directory. Refused with EACCES, "tree.create",
  // unless the device overrides it.
  virtual absl::Status CreateAttribute(absl::string_view name);

  // Refused with EBUSY while something that cannot be stopped uses the device or its file. Called
  // for a device and all of its descendants before `verb` ("unbind thing0").
  virtual absl::Status CheckStoppable(absl::string_view /*verb*/) const { return absl::OkStatus(); }

  // The lines of `uevent`.
  virtual std::string uevent() const { return {}; }

  // The nearest NUMA node, and the memory's own; -1: unknown. The parent's, unless overridden.
  virtual int numa_node() const { return parent_ == nullptr ? -1 : parent_->numa_node(); }
  virtual int target_node() const { return parent_ == nullptr ? -1 : parent_->target_node(); }

  // Stops the program if the device is registered and the configuration lock is not held; tells
  // clang's analysis that it is. A function that uses what ABSL_GUARDED_BY(lock()) guards begins
  // with this.
  void AssertLocked() const ABSL_ASSERT_EXCLUSIVE_LOCK(lock_) {
    if (lock_ != nullptr) lock_->AssertHeld();
  }

  bool registered() const {
    AssertLocked();
    return registered_;
  }
  const Driver* driver() const {
    AssertLocked();
    return driver_;
  }
  const std::vector<std::shared_ptr<Device>>& children() const {
    AssertLocked();
    return children_;
  }

  // Why the last write to this object was refused, or what is wrong with it: the text of LastError.
  std::string last_error() const {
    AssertLocked();
    return last_error_.Text();
  }
  void set_last_error(LastError error) {
    AssertLocked();
    last_error_ = std::move(error);
  }
  // The file below dev/ that shows the device's bytes, or null.
  virtual const DataNode* data_file() const { return nullptr; }
  // The latest I/O error on the files of this device and its descendants.
  LastError LatestDataError() const;
  // What x/last_error and x/last_error.json show: the later of the two.
  LastError LatestError() const {
    AssertLocked();
    return last_error_.LaterOf(LatestDataError());
  }

 protected:
  Device(Engine& engine, const DeviceKind& kind, std::string name, Device* parent)
      : engine_(engine), kind_(kind), name_(std::move(name)), parent_(parent) {}

  // The engine's lock, as this layer's annotations name it, because the engine is in a higher
  // layer. Use it in annotations only: there is none until the device is registered.
  absl::Mutex& lock() const ABSL_LOCK_RETURNED(lock_) { return *lock_; }

 private:
  friend class Engine;

  Engine& engine_;
  const DeviceKind& kind_;
  const std::string name_;
  Device* const parent_;
  // These three are set when the device is registered, and constant from then on.
  absl::Mutex* lock_ = nullptr;
  std::string path_;
  absl::Span<const Attribute> table_;
  bool registered_ ABSL_GUARDED_BY(lock_) = false;
  const Driver* driver_ ABSL_GUARDED_BY(lock_) = nullptr;
  std::vector<std::shared_ptr<Device>> children_ ABSL_GUARDED_BY(lock_);
  LastError last_error_ ABSL_GUARDED_BY(lock_);
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_DEVICE_H_
