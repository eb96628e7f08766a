// SPDX-License-Identifier: Apache-2.0
// devices/virtual/bdi/259:0: the target of a disk's `bdi` link.
#ifndef NVDIMMFS_CORE_ND_BACKING_INFO_H_
#define NVDIMMFS_CORE_ND_BACKING_INFO_H_

#include <optional>
#include <string>
#include <vector>

#include "core/model/device.h"
#include "core/nd/nd_kind.h"

namespace nvdimmfs::core {

class BackingInfo final : public Device {
 public:
  // `number` ("259:0") is that of `disk`, which must be registered, and stay so for as long as this
  // device is.
  BackingInfo(Engine& engine, const Device& disk, std::string number)
      : Device(engine, NdKind::kBackingInfo, std::move(number), nullptr), disk_(disk.path()) {}

  std::string place() const override;
  static absl::Span<const Attribute> Table();
  absl::Span<const Attribute> attributes() const override { return Table(); }
  std::vector<DeviceLink> inner_links() const override { return {{"subsystem", "class/bdi"}}; }
  std::vector<DeviceLink> links() const override;
  std::optional<DeviceLink> node_link() const override;

 private:
  const std::string disk_;  // its path
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_BACKING_INFO_H_
