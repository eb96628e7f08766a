// SPDX-License-Identifier: Apache-2.0
// `check --policy vet`: looks at a source as if a stranger had made it. Whatever has hurt a kernel,
// and whatever no kernel writes, is a finding (vet_rules.h). Never writes. Time and memory are
// bounded whatever the source holds: label_vet.h and btt/vet.h state the limits.
#ifndef NVDIMMFS_TOOLS_CHECK_SOURCE_VET_H_
#define NVDIMMFS_TOOLS_CHECK_SOURCE_VET_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/sources/source.h"
#include "tools/check/placed_finding.h"

namespace nvdimmfs::tools {

struct VetOptions {
  bool full = false;   // read all of every map, however long it takes
  bool force = false;  // look even while another program has it open
};

// Refused as CheckSource.
absl::StatusOr<std::vector<PlacedFinding>> VetSource(const std::string& source,
                                                     const VetOptions& options);

// The same for buses that are open. The caller has opened them read-only.
absl::StatusOr<std::vector<PlacedFinding>> VetBuses(const backends::Buses& buses,
                                                    const VetOptions& options);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_SOURCE_VET_H_
