// bus/nd itself: the files that stand beside `devices` and `drivers`.
#ifndef NVDIMMFS_CORE_DEVICES_BUS_TYPE_H_
#define NVDIMMFS_CORE_DEVICES_BUS_TYPE_H_

#include "core/devices/device.h"

namespace nvdimmfs::core {

class BusType final : public Device {
 public:
  explicit BusType(System& system) : Device(system, DeviceKind::kBusType, "nd", nullptr) {}
  std::string place() const override { return "bus/nd"; }
  absl::Span<const Attribute> attributes() const override;
  std::vector<std::string> directories() const override { return {"devices", "drivers"}; }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_BUS_TYPE_H_
