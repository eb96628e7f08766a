// SPDX-License-Identifier: Apache-2.0
// One mapped store as a DIMM: its data, and the location of its labels.
#ifndef NVDIMMFS_BACKENDS_DIMM_PARTS_H_
#define NVDIMMFS_BACKENDS_DIMM_PARTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "backends/qemu_slot.h"
#include "backends/whole_file.h"
#include "core/media/media.h"
#include "core/sources/dimm_source.h"

namespace nvdimmfs::backends {

struct LabelPlace {
  std::optional<uint64_t> size = std::nullopt;  // bytes; 0: label-less; nothing: detect it
  bool tail = false;  // if no labels are found, the last `size` bytes (128 KiB) are a blank area
  std::string file =
      "";  // a file that as a whole is the label area; "": labels are in the store itself
  bool hide_labels =
      false;  // even if labels at the end, in an area of another size, are then hidden
};

// The DIMM of QEMU's slot `slot` whose data is `whole`, without the label area at its end, if it
// has one there. A label file is opened as `file` says. Refused as DivideImage (image_layout.h)
// and, for the label file, as MapWholeFile; with EINVAL, "image.label_file", if both a label size
// and a label file are given. Thread rules: any thread.
absl::StatusOr<core::DimmSource> DimmOf(const std::shared_ptr<core::Media>& whole, uint32_t slot,
                                        const LabelPlace& labels, const FileOptions& file,
                                        const std::string& name);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_DIMM_PARTS_H_
