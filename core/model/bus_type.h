// SPDX-License-Identifier: Apache-2.0
// bus/NAME: a bus in the kernel's sense, with the devices that it lists and the drivers that can
// bind them. Also the files next to `devices` and `drivers`.
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

  // Call it in the order in which new devices are to be offered to the drivers.
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
  // Called by the engine: a device was registered, or is leaving.
  void Add(Device& device);
  void Remove(const Device& device);

  // Records that a driver refused the device: with the device, unless a bus overrides this.
  virtual void NoteRefusal(const Driver& driver, Device& device, const absl::Status& status);
  // Whether such a refusal is normal when the bus binds drivers on its own (autoprobe).
  virtual bool IsExpected(const absl::Status& /*status*/) const { return false; }

  // Whether new devices are offered to the drivers immediately.
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
