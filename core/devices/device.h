// A node of the device tree: a name, a place, a table of attributes, perhaps a driver.
//
// Everything here is used under the configuration lock of the System that owns the device, except
// `kind`, `name`, `path`, `directories` and the links, which are fixed once it is registered.
#ifndef NVDIMMFS_CORE_DEVICES_DEVICE_H_
#define NVDIMMFS_CORE_DEVICES_DEVICE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/devices/attribute.h"
#include "core/devices/last_error.h"

namespace nvdimmfs::core {

class DataNode;
class Driver;
class System;

enum class DeviceKind {
  kBus,          // ndbus0
  kControl,      // ndctl0, class device below the bus
  kDimm,         // nmem0
  kRegion,       // region0
  kNamespace,    // namespace0.0
  kBtt,          // btt0.0
  kPfn,          // pfn0.0
  kDax,          // dax0.0
  kBlock,        // pmem0, the disk below whatever drives the namespace
  kDaxRegion,    // dax_region below dax0.0
  kDaxChild,     // dax0.0 below dax0.0: the character device
  kDriver,       // bus/nd/drivers/nd_pmem
  kBusType,      // bus/nd, bus/dax
  kArena,        // arena0 of an enabled btt, in debugfs
  kDaxDriver,    // bus/dax/drivers/kmem
  kMemory,       // devices/system/memory
  kMemoryBlock,  // memory33 below it
  kMemoryNode,   // devices/system/node/node0
  kPlatform,     // nfit_test.0, test_dimm0: outside of the nd bus, where tests look
};

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

  DeviceKind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  System& system() const { return system_; }
  Device* parent() const { return parent_; }

  // Where the device's directory is, from the top of the mount: "devices/platform/.../region0".
  const std::string& path() const { return path_; }
  // The directory's place below the parent's: "region0", "block/pmem0", "nd/ndctl0".
  virtual std::string place() const { return name_; }

  virtual absl::Span<const Attribute> attributes() const = 0;
  // Sub-directories that exist even when they hold no visible attribute ("firmware", "x").
  virtual std::vector<std::string> directories() const { return {}; }

  // Links in the device's directory (`path` is a name), and elsewhere (from the top of the mount).
  // Both are fixed once the device is registered, and may be asked for without the lock.
  virtual std::vector<DeviceLink> inner_links() const { return {}; }
  virtual std::vector<DeviceLink> links() const { return {}; }
  // The one elsewhere that is named by System::numbers(), and changes with them.
  virtual std::optional<DeviceLink> node_link() const { return std::nullopt; }

  // Called when the device has left the tree: gives its number back.
  virtual void Removed() {}

  // The lines of `uevent`.
  virtual std::string uevent() const { return {}; }

  bool registered() const { return registered_; }
  const Driver* driver() const { return driver_; }
  const std::vector<std::shared_ptr<Device>>& children() const { return children_; }

  // Why the last refused write to this object was refused.
  const std::string& last_error() const { return last_error_.sentence; }
  void set_last_error(std::string sentence) {
    last_error_ = {NextErrorNumber(), std::move(sentence)};
  }
  // The file below dev/ that shows the device's bytes, or null.
  virtual const DataNode* data_file() const { return nullptr; }
  // Of I/O on the files of this device and of all below it.
  LastError LatestDataError() const;
  // The content of x/last_error: the later of the two.
  LastError LatestError() const { return last_error_.LaterOf(LatestDataError()); }

 protected:
  Device(System& system, DeviceKind kind, std::string name, Device* parent)
      : system_(system), kind_(kind), name_(std::move(name)), parent_(parent) {}

 private:
  friend class System;

  System& system_;
  const DeviceKind kind_;
  const std::string name_;
  Device* const parent_;
  std::string path_;
  bool registered_ = false;
  const Driver* driver_ = nullptr;
  std::vector<std::shared_ptr<Device>> children_;
  LastError last_error_;
};

// A device of the nd bus: what all of them have in common.
class NdDevice : public Device {
 public:
  virtual std::string devtype() const = 0;   // "nvdimm"; empty for the bus
  virtual std::string modalias() const = 0;  // "nd:t1"
  std::string uevent() const override;
  std::vector<DeviceLink> inner_links() const override { return {{"subsystem", "bus/nd"}}; }
  std::vector<DeviceLink> links() const override;

 protected:
  using Device::Device;
};

// Show and store functions that many tables share.
absl::StatusOr<std::string> ShowModalias(Device& device);
absl::StatusOr<std::string> ShowDevtype(Device& device);
absl::StatusOr<std::string> ShowUevent(Device& device);
absl::Status StoreUevent(Device& device, absl::string_view text);
absl::StatusOr<std::string> ShowLastError(Device& device);
inline constexpr Attribute kUeventAttribute = {
    .name = "uevent",
    .mode = 0644,
    .show = ShowUevent,
    .store = StoreUevent,
    .raw_input = true,
    .summary = "the device's event variables; writing an action word synthesises an event"};
inline constexpr Attribute kModaliasAttribute = {
    .name = "modalias", .show = ShowModalias, .summary = "nd:tN, the device's type number"};
inline constexpr Attribute kDevtypeAttribute = {
    .name = "devtype", .show = ShowDevtype, .summary = "the device's type in words"};
inline constexpr Attribute kLastErrorAttribute = {
    .name = "x/last_error",
    .show = ShowLastError,
    .summary =
        "why the last refused write to this object, or I/O on its file, was refused, and what to "
        "do"};

// The file that stands for the ioctls of a device node.
constexpr Attribute CommandAttribute(absl::StatusOr<int> (*command)(Device&, const Command&)) {
  return {.name = "x/ioctl",
          .mode = 0600,
          .command = command,
          .summary = "control commands, for programs (fs/command_wire.h)"};
}

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_DEVICE_H_
