// SPDX-License-Identifier: Apache-2.0
// ndbusN: one bus, its control device, DIMMs and regions.
#ifndef NVDIMMFS_CORE_ND_BUS_H_
#define NVDIMMFS_CORE_ND_BUS_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "core/model/engine.h"
#include "core/nd/dimm.h"
#include "core/nd/nd_device.h"
#include "core/nd/region.h"
#include "core/nd/scrub.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::core {

// The progress of firmware activation on a bus (core/services/activation.h).
struct BusActivation {
  absl::Time busy_until = absl::InfinitePast();
  bool without_idle = false;  // the value of nfit/firmware_activate_noidle
};

class PowerSupply;

class Bus final : public NdDevice {
 public:
  ~Bus() override;

  // Builds and registers the bus with all its devices, none of them enabled. Refused with EINVAL,
  // "bus.source", if the source contradicts itself (a mapping outside its DIMM, ...).
  static absl::StatusOr<std::shared_ptr<Bus>> Make(NdBusType& nd, BusSource source);

  // Binds every device to its driver, in the kernel's order. A device that its driver refuses stays
  // unbound, with the reason in its x/last_error.
  void Enable();

  int id() const { return id_; }
  const std::string& provider() const { return provider_; }
  bool has_nfit() const { return has_nfit_; }
  int nfit_revision() const { return nfit_revision_; }
  const std::vector<std::shared_ptr<Dimm>>& dimms() const { return dimms_; }
  const std::vector<std::shared_ptr<Region>>& regions() const { return regions_; }

  bool scrubs() const { return scrubs_; }
  Scrub* scrub() const { return scrub_.get(); }  // null if the bus has none
  // The CALL command: its families, and the functions of family NVDIMM_BUS, as bit masks.
  bool takes_call() const { return takes_call_; }
  // Whether any of its DIMMs is read-only.
  bool read_only() const;
  uint64_t call_families() const { return families_; }
  uint64_t call_functions() const { return functions_; }

  const BusQuirks& quirks() const { return quirks_; }
  // The power supply of all its media; null: their power does not fail.
  const PowerSupply* power() const { return power_; }
  // Adds a registered device from elsewhere in the tree that is to be removed together with the
  // bus.
  void AddCompanion(std::shared_ptr<Device> device) {
    engine().AssertLocked();
    companions_.push_back(std::move(device));
  }

  // Called when the firmware notifies the OS of an uncorrectable error: scrubs the affected range,
  // or everything if hw_error_scrub is set.
  void UncorrectableError();
  bool hw_error_scrub() const {
    engine().AssertLocked();
    return hw_error_scrub_;
  }
  void set_hw_error_scrub(bool everything) {
    engine().AssertLocked();
    hw_error_scrub_ = everything;
  }
  const BusActivation& activation() const {
    engine().AssertLocked();
    return activation_;
  }
  BusActivation& activation() {
    engine().AssertLocked();
    return activation_;
  }
  // Whether DIMM firmware can be activated at run time.
  bool can_activate() const { return can_activate_; }

  // Which DIMM has a system physical address.
  struct DimmAddress {
    uint32_t handle = 0;  // of the DIMM
    uint64_t dpa = 0;
    uint64_t length = 0;  // contiguous bytes from there on
  };
  std::optional<DimmAddress> Translate(uint64_t spa) const;

  std::string place() const override;
  std::vector<std::string> directories() const override { return {"firmware"}; }
  std::vector<DeviceLink> links() const override;
  std::string devtype() const override { return {}; }
  std::string modalias() const override { return "nd:t0"; }
  void Removed() override;

 private:
  Bus(NdBusType& nd, int id, const BusSource& source);
  absl::Status AddDimms(BusSource& source);
  absl::Status AddRegions(BusSource& source);
  void AddScrub(absl::Duration time);

  const int id_;
  const std::string provider_;
  const bool has_nfit_;
  const int nfit_revision_;
  const bool scrubs_;
  const bool takes_call_;
  const uint64_t families_;
  const uint64_t functions_;
  const bool can_activate_;
  const BusQuirks quirks_;
  const PowerSupply* const power_;  // kept alive by the media of dimms_ and regions_
  // These three are constant once the bus is built.
  std::unique_ptr<Scrub> scrub_;
  std::vector<std::shared_ptr<Dimm>> dimms_;
  std::vector<std::shared_ptr<Region>> regions_;
  std::vector<std::shared_ptr<Device>> companions_ ABSL_GUARDED_BY(engine().lock());
  bool hw_error_scrub_ ABSL_GUARDED_BY(engine().lock()) = false;
  BusActivation activation_ ABSL_GUARDED_BY(engine().lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_BUS_H_
