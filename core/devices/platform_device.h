// Directories that stay while the buses of a module come and go: whoever has covered them, as a
// private /sys does, finds in them what comes next.
#ifndef NVDIMMFS_CORE_DEVICES_PLATFORM_DEVICE_H_
#define NVDIMMFS_CORE_DEVICES_PLATFORM_DEVICE_H_

#include <string>
#include <utility>

#include "core/devices/device.h"

namespace nvdimmfs::core {

// nfit_test.0, above a bus.
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

// The class of test_dimmK, which has nothing but links to them.
class TestDimmClass final : public Device {
 public:
  static constexpr char kPlace[] = "class/nfit_test_dimm";
  explicit TestDimmClass(System& system)
      : Device(system, DeviceKind::kPlatform, "nfit_test_dimm", nullptr) {}

  std::string place() const override { return kPlace; }
  absl::Span<const Attribute> attributes() const override { return {}; }
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_PLATFORM_DEVICE_H_
