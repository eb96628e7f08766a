// SPDX-License-Identifier: Apache-2.0
// What a device is: "driver", "bus_type". The code that defines devices defines each of their kinds
// once; two kinds are the same if they are the same object.
#ifndef NVDIMMFS_CORE_MODEL_DEVICE_KIND_H_
#define NVDIMMFS_CORE_MODEL_DEVICE_KIND_H_

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class DeviceKind {
 public:
  // How long a device stays once it exists.
  enum class Stay {
    kComesAndGoes,
    kWithBuses,  // as long as the buses, which stay unless their module can be unloaded
    kForever,    // as long as the tree
  };

  constexpr DeviceKind(absl::string_view name, absl::string_view pattern,
                       Stay stay = Stay::kComesAndGoes, bool folders_stay = true)
      : name_(name), pattern_(pattern), stay_(stay), folders_stay_(folders_stay) {}
  DeviceKind(const DeviceKind&) = delete;
  DeviceKind& operator=(const DeviceKind&) = delete;

  constexpr absl::string_view name() const { return name_; }
  // The end of the paths of such devices, for the documentation: a single capital letter stands for
  // a number, a word in capitals for a name.
  constexpr absl::string_view pattern() const { return pattern_; }
  constexpr Stay stay() const { return stay_; }
  // Whether the subdirectories of the device's directory exist for as long as it does.
  constexpr bool folders_stay() const { return folders_stay_; }

  friend constexpr bool operator==(const DeviceKind& a, const DeviceKind& b) { return &a == &b; }

 private:
  const absl::string_view name_;
  const absl::string_view pattern_;
  const Stay stay_;
  const bool folders_stay_;
};

// The kinds of the model itself.
struct ModelKind {
  static constexpr DeviceKind kBusType{"bus_type", "bus/BUS", DeviceKind::Stay::kForever};
  static constexpr DeviceKind kDriver{"driver", "bus/BUS/drivers/DRIVER",
                                      DeviceKind::Stay::kForever};
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_DEVICE_KIND_H_
