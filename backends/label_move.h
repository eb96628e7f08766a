// SPDX-License-Identifier: Apache-2.0
// Moves the label area of a grown image to its new end, so that the DIMM has the new size.
#ifndef NVDIMMFS_BACKENDS_LABEL_MOVE_H_
#define NVDIMMFS_BACKENDS_LABEL_MOVE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/range.h"
#include "core/media/media.h"

namespace nvdimmfs::backends {

// Copies the label area at `from`, which has a valid index, to `to`, where `file` is all zeros, and
// then clears the old one. The slots become durable before the current index block, that before the
// other one, and the whole copy before the old area is touched. So a cut at any point leaves
// complete labels in at least one place, and a copy that can be found is complete. If it fails
// before the copy is durable, the old area is unchanged. Thread rules: nothing else may use `file`.
absl::Status MoveLabels(const std::shared_ptr<core::Media>& file, core::Range from, uint64_t to);

struct MovedLabels {
  core::Range from;
  core::Range to;
};

// The same for the image at `path`. Refused as OpenImage for writing; with EINVAL,
// "image.labels.move", if labels are already at the end, nowhere, or in several places, if the file
// has shrunk, or if its end is not blank.
absl::StatusOr<MovedLabels> MoveLabelsToEnd(const std::string& path);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_LABEL_MOVE_H_
