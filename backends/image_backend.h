// An image file as one NVDIMM, as QEMU would present it to a guest.
//
// File layout: image_layout.h. Identity: what QEMU's NFIT says for a slot. Locking: image_lock.h.
// Opening read-only changes nothing about the file, its times included (where the file's owner or
// root opens it).
#ifndef NVDIMMFS_BACKENDS_IMAGE_BACKEND_H_
#define NVDIMMFS_BACKENDS_IMAGE_BACKEND_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "backends/dimm_parts.h"
#include "backends/pmem2_media.h"
#include "core/sources/dimm_source.h"

namespace nvdimmfs::backends {

struct ImageOptions {
  std::optional<uint64_t> label_size = std::nullopt;  // bytes; 0: label-less; nothing: find it
  std::string labels = {};  // a file that is the label area; the image is all data then
  bool read_only = false;
  bool force = false;  // with read_only: open it though somebody else writes it
  Durability durability = Durability::kAuto;
};

// Opens the image for the DIMM slot `slot` (0, 1, ...; it decides handle and serial number).
// Refused with the errno of open(2) and "image.open"; with EISDIR or EINVAL, "image.kind", for what
// is no regular file; EBUSY, "image.busy" (image_lock.h); EINVAL, "image.size" and
// "image.label_size" (image_layout.h), also where both a label size and a label file are given;
// "media.map" (pmem2_media.h). Of the label file as of the image. Thread rules: any thread.
absl::StatusOr<core::DimmSource> OpenImage(const std::string& path, uint32_t slot,
                                           const ImageOptions& options);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_BACKEND_H_
