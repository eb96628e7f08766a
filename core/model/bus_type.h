// SPDX-License-Identifier: Apache-2.0
// bus/NAME: a bus as the kernel means it, the devices that it lists and the drivers that may have
// them. Also the files next to `devices` and `drivers`.
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_MODEL_BUS_TYPE_H_
#define NVDIMMFS_CORE_MODEL_BUS_TYPE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

class BusType : public Device {
 public:
  BusType(Engine& engine, absl::string_view name)
      : Device(engine, ModelKind::kBusType, std::string(name), nullptr) {}

  // Drivers in the order in which a new device is offered to them.
  void AddDriver(std::shared_ptr<Driver> driver) {
    AssertLocked();
    drivers_.push_back(std::move(driver));
  }
  const std::vector<std::shared_ptr<Driver>>& drivers() const {
    AssertLocked();
    return drivers_;
  }

  // The registered devices whose bus_type() this is, oldest first.
  const std::vector<Device*>& devices() const {
    AssertLocked();
    return devices_;
  }
  Device* Find(absl::string_view name) const;  // or null
  // The engine's: a device was registered, or leaves.
  void Add(Device& device);
  void Remove(const Device& device);

  // A driver refused the device: where that is kept. Unless a bus wants more, with the device.
  virtual void NoteRefusal(const Driver& driver, Device& device, const absl::Status& status);
  // Whether such a refusal is not an error where the bind was not asked for.
  virtual bool IsExpected(const absl::Status& /*status*/) const { return false; }

  // Whether new devices are offered to the drivers at once.
  bool autoprobe() const {
    AssertLocked();
    return autoprobe_;
  }
  void set_autoprobe(bool autoprobe) {
    AssertLocked();
    autoprobe_ = autoprobe;
  }

  std::string place() const override;

 private:
  std::vector<std::shared_ptr<Driver>> drivers_ ABSL_GUARDED_BY(lock());
  std::vector<Device*> devices_ ABSL_GUARDED_BY(lock());
  absl::flat_hash_map<absl::string_view, Device*> by_name_ ABSL_GUARDED_BY(lock());
  bool autoprobe_ ABSL_GUARDED_BY(lock()) = true;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_BUS_TYPE_H_
