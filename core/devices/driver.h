// A driver of the nd bus: what it matches and what binding a device to it does.
#ifndef NVDIMMFS_CORE_DEVICES_DRIVER_H_
#define NVDIMMFS_CORE_DEVICES_DRIVER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/devices/device.h"

namespace nvdimmfs::core {

class Driver final : public Device {
 public:
  struct Operations {
    absl::string_view name;
    absl::string_view module;
    bool by_hand;  // has bind and unbind files
    bool (*matches)(const Device&);
    absl::Status (*probe)(Device&);
    void (*remove)(Device&);
    // After a probe, with its result; null: nothing to do. Here the seeds move on.
    void (*probed)(Device&, const absl::Status&);
  };

  Driver(System& system, const Operations& operations);

  const Operations& operations() const { return operations_; }
  std::string place() const override;
  absl::Span<const Attribute> attributes() const override;
  std::vector<DeviceLink> inner_links() const override;

 private:
  const Operations& operations_;
};

// The kernel's five: nd_bus, nvdimm, nd_region, nd_pmem, dax_pmem. (drivers.cc)
absl::Span<const Driver::Operations> NdDrivers();

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_DEVICES_DRIVER_H_
