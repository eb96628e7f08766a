// ndctlN: the class device by which tools find a bus.
#ifndef NVDIMMFS_CORE_DEVICES_CONTROL_DEVICE_H_
#define NVDIMMFS_CORE_DEVICES_CONTROL_DEVICE_H_

#include <optional>
#include <string>
#include <vector>

#include "core/devices/device.h"

namespace nvdimmfs::core {

class Bus;

class ControlDevice final : public Device {
 public:
  ControlDevice(System& system, Bus& bus);

  int id() const { return id_; }
  std::string place() const override;
  absl::Span<const Attribute> attributes() const override;
  std::vector<DeviceLink> inner_links() const override;
  std::vector<DeviceLink> links() const override;
  std::optional<DeviceLink> node_link() const override;
  std::string uevent() const override;

 private:
  const int id_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_CONTROL_DEVICE_H_
