// SPDX-License-Identifier: Apache-2.0
// The labels in the slots that an index marks as used.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_SLOTS_H_
#define NVDIMMFS_CORE_LABELS_LABEL_SLOTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/labels/label_findings.h"
#include "core/labels/label_geometry.h"
#include "core/labels/label_index.h"
#include "core/labels/label_version.h"
#include "core/media/media.h"

namespace nvdimmfs::core {

struct StoredLabel {
  uint32_t slot = 0;
  NamespaceLabel label;
};

struct StoredRegionLabel {
  uint32_t slot = 0;
  RegionLabel label;
};

class LabelSlots {
 public:
  // Reads the slots that `index` marks as used, as labels of `version`. Invalid labels, and labels
  // marked as being updated, become findings. Fails as the media does.
  static absl::StatusOr<LabelSlots> Read(const Media& media, const LabelGeometry& geometry,
                                         const LabelIndex& index, const LabelVersion& version,
                                         LabelFindings& findings);

  // In slot order.
  const std::vector<StoredLabel>& labels() const { return labels_; }
  const std::vector<StoredRegionLabel>& region_labels() const { return region_labels_; }
  size_t count() const { return labels_.size() + region_labels_.size(); }

  void Insert(uint32_t slot, AnyLabel label);
  void Erase(uint32_t slot);  // does nothing if there is no label

 private:
  std::vector<StoredLabel> labels_;
  std::vector<StoredRegionLabel> region_labels_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_SLOTS_H_
