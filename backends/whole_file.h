// SPDX-License-Identifier: Apache-2.0
// A regular file or a block device, opened, locked and mapped whole.
#ifndef NVDIMMFS_BACKENDS_WHOLE_FILE_H_
#define NVDIMMFS_BACKENDS_WHOLE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "backends/image_layout.h"
#include "backends/pmem2_media.h"
#include "core/media/media.h"

namespace nvdimmfs::backends {

struct FileOptions {
  bool read_only = false;
  bool force = false;  // with read_only: open it although another process writes it
  Durability durability = Durability::kAuto;
  // Refuse other programs' image formats, recognised by their first bytes (foreign_format.h).
  bool check_format = false;
  uint64_t min_size = kImagePage;  // bytes; a smaller file is refused
};

// Refused as OpenNode (open_source.h), LockImage (image_lock.h) and Pmem2Media::Map say; with
// EINVAL, "image.size", if it is smaller than `min_size`, and "image.format" for a foreign format.
// On a file system that cannot map files shared, it can only be opened read-only (file_reader.h);
// otherwise "media.map".
absl::StatusOr<std::shared_ptr<core::Media>> MapWholeFile(const std::string& path,
                                                          const FileOptions& options);

// The same for a block device, which must not be mounted unless `read_only`. It shares the kernel's
// page cache with other users of its node. Sectors that the kernel knows to be bad are bad from the
// start.
absl::StatusOr<std::shared_ptr<core::Media>> MapWholeDisk(const std::string& path,
                                                          const FileOptions& options);

// One of the two, depending on the type of `path`.
absl::StatusOr<std::shared_ptr<core::Media>> MapWholeStore(const std::string& path,
                                                           const FileOptions& options);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_WHOLE_FILE_H_
