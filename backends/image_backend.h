// SPDX-License-Identifier: Apache-2.0
// An image file or block device as one NVDIMM, as QEMU would present it to a guest.
//
// File layout: image_layout.h. Identity: as in QEMU's NFIT for a slot. Locking: image_lock.h.
// Opening read-only changes nothing about the file, its times included (where the file's owner or
// root opens it).
#ifndef NVDIMMFS_BACKENDS_IMAGE_BACKEND_H_
#define NVDIMMFS_BACKENDS_IMAGE_BACKEND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/dimm_parts.h"
#include "backends/pmem2_media.h"
#include "core/base/finding.h"
#include "core/sources/dimm_source.h"

namespace nvdimmfs::backends {

struct ImageOptions {
  std::optional<uint64_t> label_size = std::nullopt;  // bytes; 0: label-less; nothing: detect it
  bool hide_labels = false;                           // even if this layout hides existing labels
  std::optional<uint64_t> size =
      std::nullopt;         // bytes of the file that are the image: QEMU's size=
  std::string labels = {};  // a file that is the label area; the image is all data then
  bool read_only = false;
  bool force = false;  // with read_only: open it although another process writes it
  Durability durability = Durability::kAuto;
  bool raw = false;  // the bytes are the DIMM's, even if they begin like another image format
};

// Opens the image for the DIMM slot `slot` (0, 1, ...; it decides handle and serial number).
// Refused with the errno of open(2) and "image.open"; with EISDIR or EINVAL, "image.kind", if it is
// neither; EBUSY, "image.busy" (image_lock.h); EINVAL, "image.format" (foreign_format.h),
// "image.size", "image.label_size" and "image.labels.hidden" (image_layout.h), "image.label_file"
// if both a label size and a label file are given; EINVAL, "image.labels.displaced", if it is
// opened for writing without `hide_labels` while its labels are elsewhere in it (label_search.h; a
// finding if opened read-only); "media.map" (whole_file.h). The same for the label file. Thread
// rules: any thread.
absl::StatusOr<core::DimmSource> OpenImage(const std::string& path, uint32_t slot,
                                           const ImageOptions& options);

// Searches for labels elsewhere in an image that has none at its end. May take seconds; for
// `check`. `dimm` is what OpenImage returned.
std::vector<core::Finding> FindLabelsElsewhere(const core::DimmSource& dimm);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_BACKEND_H_
