// SPDX-License-Identifier: Apache-2.0
// A device of the nd bus: what all such devices have in common.
#ifndef NVDIMMFS_CORE_ND_ND_DEVICE_H_
#define NVDIMMFS_CORE_ND_ND_DEVICE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/uuid.h"
#include "core/model/device.h"
#include "core/nd/nd_bus_type.h"

namespace nvdimmfs::core {

class NdDevice : public Device {
 public:
  NdBusType& nd() const { return nd_; }
  BusType* bus_type() const override { return &nd_; }

  virtual std::string devtype() const = 0;   // "nvdimm"; empty for the bus
  virtual std::string modalias() const = 0;  // "nd:t1"
  // Whether `uuid` belongs to it, so that no namespace may take it.
  virtual bool OwnsUuid(const Uuid& /*uuid*/) const { return false; }

  std::string uevent() const override;
  std::vector<DeviceLink> inner_links() const override { return {{"subsystem", "bus/nd"}}; }
  std::vector<DeviceLink> links() const override;

 protected:
  NdDevice(NdBusType& nd, const DeviceKind& kind, std::string name, Device* parent)
      : Device(nd.engine(), kind, std::move(name), parent), nd_(nd) {}

 private:
  NdBusType& nd_;
};

absl::StatusOr<std::string> ShowModalias(Device& device);
absl::StatusOr<std::string> ShowDevtype(Device& device);
inline constexpr Attribute kModaliasAttribute = {
    .name = "modalias",
    .show = ShowModalias,
    .summary = "nd:tN; N is the number of the device's type"};
inline constexpr Attribute kDevtypeAttribute = {
    .name = "devtype", .show = ShowDevtype, .summary = "the device's type as a word"};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_ND_DEVICE_H_
