// SPDX-License-Identifier: Apache-2.0
// Repairs the label areas of a source, DIMM by DIMM, with core/labels/label_repair.h.
#ifndef NVDIMMFS_TOOLS_CHECK_LABEL_CHECK_H_
#define NVDIMMFS_TOOLS_CHECK_LABEL_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/sources/bus_source.h"
#include "tools/check/placed_finding.h"

namespace nvdimmfs::tools {

// Whether repairing labels can fix at least one of these.
bool CallForLabelRepair(const std::vector<PlacedFinding>& findings);

// Repairs the areas, or with `dry_run` says what would be done (kPlanned) and stores nothing. What
// it cannot decide becomes a note, with commands for `source`. A copy of an area that it changes is
// kept next to its file.
absl::StatusOr<std::vector<PlacedFinding>> RepairLabels(const std::string& source,
                                                        const std::vector<core::BusSource>& buses,
                                                        bool dry_run);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_LABEL_CHECK_H_
