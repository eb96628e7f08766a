// SPDX-License-Identifier: Apache-2.0
// One mapped store as a DIMM: its data, and where its labels are.
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
  std::optional<uint64_t> size = std::nullopt;  // bytes; 0: label-less; nothing: find it
  bool tail = false;  // where nothing is found, the last `size` bytes (128 KiB) are a blank area
  std::string file = "";  // a file that is the label area, whole; "": they are in the store itself
  bool hide_labels =
      false;  // though labels at the end, in an area of another size, are then lost from sight
};

// The DIMM of QEMU's slot `slot` whose data is `whole`, without the label area at its end if it has
// one there. A label file is opened as `file` says. Refused as DivideImage (image_layout.h) and, of
// the label file, as MapWholeFile; with EINVAL, "image.label_size", where both a label size and a
// label file are given. Thread rules: any thread.
absl::StatusOr<core::DimmSource> DimmOf(const std::shared_ptr<core::Media>& whole, uint32_t slot,
                                        const LabelPlace& labels, const FileOptions& file,
                                        const std::string& name);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_DIMM_PARTS_H_
