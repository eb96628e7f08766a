// SPDX-License-Identifier: Apache-2.0
// ndctlN: the class device by which tools find a bus.
#ifndef NVDIMMFS_CORE_ND_CONTROL_DEVICE_H_
#define NVDIMMFS_CORE_ND_CONTROL_DEVICE_H_

#include <optional>
#include <string>
#include <vector>

#include "core/model/device.h"
#include "core/model/node_numbers.h"

namespace nvdimmfs::core {

class ControlDevice final : public Device {
 public:
  // `id` is that of `bus`.
  ControlDevice(Device& bus, int id);

  int id() const { return id_; }
  DeviceNumber number() const;
  std::string place() const override;
  std::vector<DeviceLink> inner_links() const override;
  std::vector<DeviceLink> links() const override;
  std::optional<DeviceLink> node_link() const override;
  std::string uevent() const override;

 private:
  const int id_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_CONTROL_DEVICE_H_
