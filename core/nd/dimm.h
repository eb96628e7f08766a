// SPDX-License-Identifier: Apache-2.0
// nmemN: one DIMM of a bus, with its label area.
#ifndef NVDIMMFS_CORE_ND_DIMM_H_
#define NVDIMMFS_CORE_ND_DIMM_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "core/labels/dpa_space.h"
#include "core/labels/label_area.h"
#include "core/media/overwrite.h"
#include "core/model/data_node.h"
#include "core/model/engine.h"
#include "core/model/node_numbers.h"
#include "core/nd/label_node_media.h"
#include "core/nd/nd_device.h"
#include "core/sources/bus_quirks.h"
#include "core/sources/dimm_source.h"

namespace nvdimmfs::core {

// The nvdimm driver's data for a DIMM that has a label area. Regions share it: after the driver is
// unbound it lives on for as long as a region that uses it is enabled.
struct DimmData {
  explicit DimmData(LabelArea area) : labels(std::move(area)) {}
  LabelArea labels;
  DpaSpace space;
};

class Dimm final : public NdDevice {
 public:
  // Properties of the bus that apply to all of its DIMMs.
  struct BusTraits {
    bool has_nfit = false;
    bool takes_call = false;  // the CALL command
    BusQuirks quirks;
  };
  Dimm(NdBusType& nd, Device& bus, int id, DimmSource source, BusTraits traits);

  int id() const { return id_; }
  const DimmSource& source() const { return source_; }
  bool has_nfit() const { return traits_.has_nfit; }
  const BusQuirks& quirks() const { return traits_.quirks; }
  bool has_label_area() const { return source_.labels != nullptr; }
  // Null if the firmware only supports the label commands.
  intel::Firmware* firmware() const { return source_.firmware.get(); }
  // Bit n: function n of its command family (nfit/dsm_mask); 0: it has no family.
  uint64_t functions() const;
  // Whether its bus supports CALL.
  bool takes_call() const { return traits_.takes_call; }

  // Null while the driver is unbound, or if there is no label area.
  const std::shared_ptr<DimmData>& data() const {
    engine().AssertLocked();
    return data_;
  }
  // Adds the DIMM's name and the commands that help to `refusal`, which comes from its label area.
  absl::Status AboutLabels(const absl::Status& refusal) const;
  // Passes on the result of a change of labels. An error of the media is an event.
  absl::Status Reported(const absl::Status& change) const;
  // Whether labels are known to be in use; once set, it stays set for the life of the device.
  bool label_flag() const {
    engine().AssertLocked();
    return label_flag_;
  }
  void set_label_flag() {
    engine().AssertLocked();
    label_flag_ = true;
  }
  bool locked() const {
    engine().AssertLocked();
    return labels_locked_ || (firmware() != nullptr && firmware()->security().locked());
  }
  bool overwriting() const { return firmware() != nullptr && firmware()->security().overwriting(); }
  // Refused if a test makes this function of its command family fail
  // (core/sources/test_controls.h); checked after the function has done its work.
  absl::Status TestVerdict(uint64_t function) const;
  // Whether its firmware can be activated at run time.
  bool can_activate() const;
  // The value of nfit/id: "8680-56341200".
  std::string unique_id() const;

  // An enabled region uses this DIMM; `with_labels` if the region also uses its label data.
  void AddRegion(bool with_labels) { CountRegions(1, with_labels); }
  void DropRegion(bool with_labels) { CountRegions(-1, with_labels); }
  // The number of enabled regions that use its label data.
  int users() const {
    engine().AssertLocked();
    return users_;
  }
  // Whether any enabled region uses the DIMM, with or without label data.
  bool in_use() const {
    engine().AssertLocked();
    return regions_ > 0;
  }

  // Erases the DIMM's bytes durably, but not its labels. The DIMM must be idle.
  absl::Status EraseData();
  // Overwrites everything, including labels, in the background; security().overwriting() is true
  // until it is done. The DIMM must be idle. Also resumes an overwrite that a power cut
  // interrupted.
  void StartOverwrite();

  // --- The nvdimm driver. ---

  // ENXIO, "dimm.missing", if the slot is empty.
  absl::Status CheckPresent() const;
  absl::Status Probe();
  void Remove();

  DeviceNumber number() const;
  std::vector<std::string> directories() const override { return {"firmware"}; }
  std::optional<DeviceLink> node_link() const override;
  std::string devtype() const override { return "nvdimm"; }
  const DataNode* data_file() const override { return label_node_.get(); }
  std::string modalias() const override { return "nd:t1"; }
  std::string uevent() const override;
  void Removed() override;
  // Opens dev/nmemN, once the DIMM is registered.
  void ShowLabelArea();

 private:
  void CountRegions(int more, bool with_labels);
  absl::StatusOr<LabelArea> ReadLabels();
  std::string LabelAdvice() const;
  void ReportLabels(const LabelArea& labels) const;
  void FinishOverwrite(const absl::Status& status);

  const int id_;
  const DimmSource source_;
  const BusTraits traits_;
  std::shared_ptr<DimmData> data_ ABSL_GUARDED_BY(engine().lock());
  // Still held by regions after an unbind.
  std::weak_ptr<DimmData> shared_data_ ABSL_GUARDED_BY(engine().lock());
  bool label_flag_ ABSL_GUARDED_BY(engine().lock()) = false;
  // As the label commands reported when the driver was bound.
  bool labels_locked_ ABSL_GUARDED_BY(engine().lock()) = false;
  int users_ ABSL_GUARDED_BY(engine().lock()) = 0;
  int regions_ ABSL_GUARDED_BY(engine().lock()) = 0;
  const std::shared_ptr<LabelNodeMedia> label_media_;
  const std::shared_ptr<DataNode> label_node_;
  std::unique_ptr<Overwrite> overwrite_ ABSL_GUARDED_BY(engine().lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_DIMM_H_
