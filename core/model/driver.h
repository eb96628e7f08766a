// SPDX-License-Identifier: Apache-2.0
// A driver of a bus: which devices it matches, and what binding one does.
#ifndef NVDIMMFS_CORE_MODEL_DRIVER_H_
#define NVDIMMFS_CORE_MODEL_DRIVER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

class Driver : public Device {
 public:
  struct Operations {
    absl::string_view name;
    absl::string_view module;
    bool by_hand;  // has bind and unbind files
    bool (*matches)(const Device&);
    absl::Status (*probe)(Device&);
    void (*remove)(Device&);
    // After a probe, with its result; null: nothing to do.
    void (*probed)(Device&, const absl::Status&) = nullptr;
    absl::Span<const Attribute> attributes;
  };

  // `bus` and `operations` must outlive it.
  Driver(BusType& bus, const Operations& operations, const DeviceKind& kind = ModelKind::kDriver);

  // The bus whose devices it drives. (A driver is not in any bus's list of devices.)
  BusType& bus() const { return bus_; }
  const Operations& operations() const { return operations_; }
  virtual bool Matches(const Device& device) const { return operations_.matches(device); }
  // A hint for refusals, where to find a device that it drives: "see bus/X/devices".
  virtual std::string WhereToLook() const;

  std::string place() const override;
  absl::Span<const Attribute> attributes() const override { return operations_.attributes; }
  std::vector<DeviceLink> inner_links() const override;

 private:
  BusType& bus_;
  const Operations& operations_;
};

// The driver of that name, or null.
const Driver* FindDriver(const BusType& bus, absl::string_view name);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_DRIVER_H_
