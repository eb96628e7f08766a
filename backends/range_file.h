// SPDX-License-Identifier: Apache-2.0
// The storage for one range of addresses: a file, the block device of a kernel's namespace
// (/dev/pmem0), or memory.
#ifndef NVDIMMFS_BACKENDS_RANGE_FILE_H_
#define NVDIMMFS_BACKENDS_RANGE_FILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "backends/whole_file.h"
#include "core/media/media.h"

namespace nvdimmfs::backends {

// All of the file or block device at `path`; or, with a `size` in bytes, its first `size` of them.
// Refused as MapWholeFile and MapWholeDisk say, and with EINVAL, "range.size", if it is shorter
// than `size` or, without one, does not consist of whole pages of 4096 bytes.
absl::StatusOr<std::shared_ptr<core::Media>> OpenRange(const std::string& path,
                                                       std::optional<uint64_t> size,
                                                       const FileOptions& options);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_RANGE_FILE_H_
