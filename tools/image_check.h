// Everything that is wrong on a source: its label area, its namespaces' BTTs and info blocks.
#ifndef NVDIMMFS_TOOLS_IMAGE_CHECK_H_
#define NVDIMMFS_TOOLS_IMAGE_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/finding.h"

namespace nvdimmfs::tools {

struct CheckOptions {
  bool repair = false;
  bool dry_run = false;  // what `repair` would do, told and not done
  bool force = false;
};

enum class Outcome {
  kFound,    // it is so, and stays so
  kMended,   // it was so
  kPlanned,  // what a repair would do
  kNote,     // advice, or a number: no finding
};

struct PlacedFinding {
  std::string subject;  // "nmem0", "region0", "namespace0.1"
  // Its offset is from the start of the image; of a namespace over several, or over none, from the
  // start of its region.
  core::Finding finding;
  Outcome outcome = Outcome::kFound;
};

// Stores nothing unless `repair` without `dry_run`. Refused where the source cannot be opened, or
// nothing can be said of it. Repair keeps a copy of what it overwrites in a file beside the source.
absl::StatusOr<std::vector<PlacedFinding>> CheckSource(const std::string& source,
                                                       const CheckOptions& options);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_IMAGE_CHECK_H_
