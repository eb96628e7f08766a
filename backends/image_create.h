// SPDX-License-Identifier: Apache-2.0
// Creates an empty DIMM image, and shows how to give it to a guest.
#ifndef NVDIMMFS_BACKENDS_IMAGE_CREATE_H_
#define NVDIMMFS_BACKENDS_IMAGE_CREATE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/uuid.h"

namespace nvdimmfs::backends {

struct NewImage {
  std::string path;
  uint64_t size = 0;  // bytes of data: a positive multiple of 4096
  // bytes: 0, or a multiple of 4096 up to 4 GiB - 4096; QEMU requires 128 KiB or more
  uint64_t label_size = 128 * 1024;
};

struct CreatedImage {
  uint64_t file_size = 0;  // bytes: data, then the label area
  // Whether OpenImage finds this label area while it is blank. If not, its first user must pass
  // label_size= (QEMU always requires it). Once it holds an index block, it is found.
  bool label_area_is_found = true;
};

// Creates a sparse file of zeros with an allocated label area, accessible to its owner only (mode
// 0600); the file and its directory entry are durable when this returns. Refused with EINVAL,
// "create.size" or "create.label_size"; EEXIST, "create.exists", if the path exists (nothing is
// ever overwritten); else the system's errno, "create.file". No file is left behind after a
// refusal.
absl::StatusOr<CreatedImage> CreateImage(const NewImage& image);

// A shell line that boots a guest with the image as its NVDIMM in `slot`. QEMU takes the device's
// uuid from its command line, not from the image.
std::string QemuCommandLine(const NewImage& image, uint32_t slot,
                            const std::optional<core::Uuid>& uuid);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_CREATE_H_
