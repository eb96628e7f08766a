// SPDX-License-Identifier: Apache-2.0
// Directories that stay while the buses of a module come and go. A private /sys that has mounted
// over them then also sees the buses that appear later.
#ifndef NVDIMMFS_CORE_SYSTEM_PLATFORM_DEVICE_H_
#define NVDIMMFS_CORE_SYSTEM_PLATFORM_DEVICE_H_

#include <string>
#include <utility>

#include "core/model/common_attributes.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

// nfit_test.0, the parent of a bus.
class PlatformDevice final : public Device {
 public:
  static constexpr DeviceKind kKind{"platform", "devices/platform/PLATFORM"};

  // `path` is relative to the top of the mount: "devices/platform/nfit_test.0".
  PlatformDevice(Engine& engine, std::string path)
      : Device(engine, kKind, path.substr(path.rfind('/') + 1), nullptr), place_(std::move(path)) {}

  std::string place() const override { return place_; }
  static absl::Span<const Attribute> Table() { return {&kUeventAttribute, 1}; }
  absl::Span<const Attribute> attributes() const override { return Table(); }

 private:
  const std::string place_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SYSTEM_PLATFORM_DEVICE_H_
