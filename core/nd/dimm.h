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

// What the nvdimm driver knows of a DIMM that has a label area. Regions share it: it outlives the
// driver's unbinding for as long as a region is enabled on it.
struct DimmData {
  explicit DimmData(LabelArea area) : labels(std::move(area)) {}
  LabelArea labels;
  DpaSpace space;
};

class Dimm final : public NdDevice {
 public:
  // What its bus says of all of its DIMMs.
  struct BusTraits {
    bool has_nfit = false;
    bool takes_call = false;  // the command CALL
    BusQuirks quirks;
  };
  Dimm(NdBusType& nd, Device& bus, int id, DimmSource source, BusTraits traits);

  int id() const { return id_; }
  const DimmSource& source() const { return source_; }
  bool has_nfit() const { return traits_.has_nfit; }
  const BusQuirks& quirks() const { return traits_.quirks; }
  bool has_label_area() const { return source_.labels != nullptr; }
  // Null where the firmware knows labels and nothing else.
  intel::Firmware* firmware() const { return source_.firmware.get(); }
  // Bit n: function n of its command family (nfit/dsm_mask); 0: it has no family.
  uint64_t functions() const;
  // Whether its bus carries CALL at all.
  bool takes_call() const { return traits_.takes_call; }

  // Null while the driver is unbound, or where there is no label area.
  const std::shared_ptr<DimmData>& data() const {
    engine().AssertLocked();
    return data_;
  }
  // `refusal`, which its label area gave, with the DIMM's name and the commands that help.
  absl::Status AboutLabels(const absl::Status& refusal) const;
  // Labelling is known to be in use; once set it stays for the life of the device.
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
  // Refused where a test makes this function of its command family fail
  // (core/sources/test_controls.h); asked once the function has done its work.
  absl::Status TestVerdict(uint64_t function) const;
  // Whether its firmware can be changed while it runs.
  bool can_activate() const;
  // "8680-56341200": what nfit/id shows.
  std::string unique_id() const;

  // An enabled region has bytes on it, `with_labels` where it works with the DIMM's label data.
  void AddRegion(bool with_labels) { CountRegions(1, with_labels); }
  void DropRegion(bool with_labels) { CountRegions(-1, with_labels); }
  // The number of such regions with label data.
  int users() const {
    engine().AssertLocked();
    return users_;
  }
  // Whether there is any, with labels or without.
  bool in_use() const {
    engine().AssertLocked();
    return regions_ > 0;
  }

  // The DIMM's bytes are gone, durably; its labels stay. For an idle DIMM.
  absl::Status EraseData();
  // Overwrites everything, labels too, in the background; security().overwriting() until it is
  // done. For an idle DIMM, or to take up what a power cut interrupted.
  void StartOverwrite();

  // --- The nvdimm driver. ---
  // ENXIO, "dimm.missing", where the slot is empty.
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
  void FinishOverwrite(const absl::Status& status);

  const int id_;
  const DimmSource source_;
  const BusTraits traits_;
  std::shared_ptr<DimmData> data_ ABSL_GUARDED_BY(engine().lock());
  // What regions still hold after an unbind.
  std::weak_ptr<DimmData> shared_data_ ABSL_GUARDED_BY(engine().lock());
  bool label_flag_ ABSL_GUARDED_BY(engine().lock()) = false;
  // The commands for labels said so when the driver was bound.
  bool labels_locked_ ABSL_GUARDED_BY(engine().lock()) = false;
  int users_ ABSL_GUARDED_BY(engine().lock()) = 0;
  int regions_ ABSL_GUARDED_BY(engine().lock()) = 0;
  const std::shared_ptr<LabelNodeMedia> label_media_;
  const std::shared_ptr<DataNode> label_node_;
  std::unique_ptr<Overwrite> overwrite_ ABSL_GUARDED_BY(engine().lock());
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_DIMM_H_
