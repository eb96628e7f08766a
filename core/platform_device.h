// A platform device that stays while the buses below it come and go: nfit_test.0.
#ifndef NVDIMMFS_CORE_PLATFORM_DEVICE_H_
#define NVDIMMFS_CORE_PLATFORM_DEVICE_H_

#include <string>
#include <utility>

#include "core/device.h"

namespace nvdimmfs::core {

class PlatformDevice final : public Device {
 public:
  // `path` from the top of the mount: "devices/platform/nfit_test.0".
  PlatformDevice(System& system, std::string path)
      : Device(system, DeviceKind::kPlatform, path.substr(path.rfind('/') + 1), nullptr),
        place_(std::move(path)) {}

  std::string place() const override { return place_; }
  absl::Span<const Attribute> attributes() const override { return {&kUeventAttribute, 1}; }

 private:
  const std::string place_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_PLATFORM_DEVICE_H_
