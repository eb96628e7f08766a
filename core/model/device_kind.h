// What a device is: "driver", "bus_type". Whoever brings devices names their kinds, each once; two
// kinds are the same where they are the same object.
#ifndef NVDIMMFS_CORE_MODEL_DEVICE_KIND_H_
#define NVDIMMFS_CORE_MODEL_DEVICE_KIND_H_

#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

class DeviceKind {
 public:
  // How long a device stays once it is there.
  enum class Stay {
    kComesAndGoes,
    kWithBuses,  // as long as the buses, which stay where no module of theirs can be unloaded
    kForever,    // as long as the tree
  };

  constexpr explicit DeviceKind(absl::string_view name, Stay stay = Stay::kComesAndGoes,
                                bool folders_stay = true)
      : name_(name), stay_(stay), folders_stay_(folders_stay) {}
  DeviceKind(const DeviceKind&) = delete;
  DeviceKind& operator=(const DeviceKind&) = delete;

  constexpr absl::string_view name() const { return name_; }
  constexpr Stay stay() const { return stay_; }
  // Whether the directories below the device's own are there for as long as it is.
  constexpr bool folders_stay() const { return folders_stay_; }

  friend constexpr bool operator==(const DeviceKind& a, const DeviceKind& b) { return &a == &b; }

 private:
  const absl::string_view name_;
  const Stay stay_;
  const bool folders_stay_;
};

// The kinds of the model itself.
struct ModelKind {
  static constexpr DeviceKind kBusType{"bus_type", DeviceKind::Stay::kForever};  // bus/NAME
  static constexpr DeviceKind kDriver{"driver", DeviceKind::Stay::kForever};  // bus/X/drivers/NAME
  static constexpr DeviceKind kOther{"other"};  // on no bus: a directory that tools look for
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_DEVICE_KIND_H_
