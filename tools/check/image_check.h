// SPDX-License-Identifier: Apache-2.0
// Everything that is wrong on a source: its label area, its namespaces' BTTs and info blocks.
#ifndef NVDIMMFS_TOOLS_CHECK_IMAGE_CHECK_H_
#define NVDIMMFS_TOOLS_CHECK_IMAGE_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/check/placed_finding.h"

namespace nvdimmfs::tools {

struct CheckOptions {
  bool repair = false;
  bool dry_run = false;  // report what `repair` would do
  bool force = false;
};

// Stores nothing unless `repair` without `dry_run`. Refused if the source cannot be opened, or
// if nothing is known about it. Repair keeps a copy of what it overwrites in a file next to the
// source.
absl::StatusOr<std::vector<PlacedFinding>> CheckSource(const std::string& source,
                                                       const CheckOptions& options);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_IMAGE_CHECK_H_
