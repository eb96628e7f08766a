// What a bound dax shows below itself: `dax_region`, and the one character device daxR.i that
// carries the namespace's number.
#ifndef NVDIMMFS_CORE_DEVICES_DAX_INSTANCE_H_
#define NVDIMMFS_CORE_DEVICES_DAX_INSTANCE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/devices/data_node.h"
#include "core/devices/device.h"
#include "core/devices/device_numbers.h"
#include "core/media/media.h"
#include "core/media/poison_observer.h"

namespace nvdimmfs::core {

class DaxDriver;
class PfnDevice;

class DaxRegion final : public Device {
 public:
  explicit DaxRegion(PfnDevice& dax);
  PfnDevice& dax() const { return dax_; }
  absl::Span<const Attribute> attributes() const override;

 private:
  PfnDevice& dax_;
};

class DaxInstance final : public Device, public PoisonObserver {
 public:
  static std::shared_ptr<DaxInstance> Attach(PfnDevice& dax, std::shared_ptr<Media> media,
                                             std::vector<std::string> aliases);
  void Detach();

  PfnDevice& dax() const { return dax_; }
  DataNode* node() const { return node_.get(); }  // null unless device_dax has it
  const DataNode* data_file() const override { return node_.get(); }
  std::string file() const;  // "dev/dax0.0"
  DeviceNumber number() const;

  // The driver that has it, or null; dax_bus.cc changes it.
  const DaxDriver* dax_driver() const { return driver_; }
  void set_dax_driver(const DaxDriver* driver) { driver_ = driver; }

  // The probes and removals of the drivers. device_dax: the file below dev/ comes and goes.
  absl::Status Open();
  void Close();
  // kmem: its memory becomes the system's, as far as anybody can see (memory_blocks.h).
  absl::Status AddToMemory();
  void RemoveFromMemory();

  absl::Span<const Attribute> attributes() const override;
  std::vector<DeviceLink> inner_links() const override;
  std::vector<DeviceLink> links() const override;
  std::optional<DeviceLink> node_link() const override;
  std::string uevent() const override;
  void PoisonChanged(PoisonChange change) override;

 private:
  DaxInstance(PfnDevice& dax, std::string name, std::shared_ptr<Media> media,
              std::vector<std::string> aliases);

  PfnDevice& dax_;
  const uint32_t minor_;
  const std::shared_ptr<Media> media_;
  const std::vector<std::string> aliases_;
  std::shared_ptr<DataNode> node_;
  const DaxDriver* driver_ = nullptr;
  std::shared_ptr<DaxRegion> region_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_DAX_INSTANCE_H_
