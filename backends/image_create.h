// SPDX-License-Identifier: Apache-2.0
// Makes an empty DIMM image, and tells how to give it to a guest.
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
  // bytes: 0, or a multiple of 4096 up to 4 GiB - 4096; QEMU takes 128 KiB and more
  uint64_t label_size = 128 * 1024;
};

struct CreatedImage {
  uint64_t file_size = 0;  // bytes: data, then the label area
  // Whether OpenImage finds this label area while it is blank. If not, its first user must say
  // label_size= (QEMU is always told); once it holds an index block, it is found.
  bool label_area_is_found = true;
};

// Makes a sparse file of zeros, whose label area has its blocks, for its owner alone (mode 0600);
// durable with its folder entry when this returns. Refused with EINVAL, "create.size" or
// "create.label_size"; EEXIST, "create.exists" where the path names anything already (nothing is
// ever overwritten); else the errno of the system, "create.file", and then no file is left behind.
absl::StatusOr<CreatedImage> CreateImage(const NewImage& image);

// A shell line that boots a guest with the image as its NVDIMM in `slot`. QEMU keeps the device's
// uuid on its command line, not in the image: this is where it goes.
std::string QemuCommandLine(const NewImage& image, uint32_t slot,
                            const std::optional<core::Uuid>& uuid);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_IMAGE_CREATE_H_
