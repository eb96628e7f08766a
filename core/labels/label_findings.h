// SPDX-License-Identifier: Apache-2.0
// The findings in one label area, up to a limit: a hostile area must not fill memory or a report.
// Thread rules: as for the area.
#ifndef NVDIMMFS_CORE_LABELS_LABEL_FINDINGS_H_
#define NVDIMMFS_CORE_LABELS_LABEL_FINDINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/finding.h"

namespace nvdimmfs::core {

class LabelFindings {
 public:
  static constexpr size_t kMost = 256;  // then one more, "label.findings"

  const std::vector<Finding>& all() const { return findings_; }
  void Add(std::string reason, uint64_t offset, std::string sentence);
  // Drops the findings at `offset`, which is good again.
  void DropAt(uint64_t offset);

 private:
  std::vector<Finding> findings_;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_LABELS_LABEL_FINDINGS_H_
