// SPDX-License-Identifier: Apache-2.0
// Moves the label area of an image that was made longer to its new end, so that the DIMM has the
// new size.
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
// then gives the old one up. The slots are durable before the index block in force, that before the
// other one, and all of the copy before anything of the old area is touched: a cut at any point
// leaves the labels whole at one place at least, and a copy that is found is complete. Where it
// fails before the copy is durable, the old area is as it was. Thread rules: nobody else uses
// `file`.
absl::Status MoveLabels(const std::shared_ptr<core::Media>& file, core::Range from, uint64_t to);

struct MovedLabels {
  core::Range from;
  core::Range to;
};

// The same in the image at `path`. Refused as OpenImage for writing; with EINVAL,
// "image.labels.move", and a sentence, where labels are at the end already, nowhere or in several
// places, where the file was made shorter, and where its end is not blank.
absl::StatusOr<MovedLabels> MoveLabelsToEnd(const std::string& path);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_LABEL_MOVE_H_
