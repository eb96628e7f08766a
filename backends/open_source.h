// SPDX-License-Identifier: Apache-2.0
// Opens the file that a source names: a regular file or a device node. Its type is checked first,
// because opening a FIFO blocks, and opening a device may have effects.
#ifndef NVDIMMFS_BACKENDS_OPEN_SOURCE_H_
#define NVDIMMFS_BACKENDS_OPEN_SOURCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::backends {

enum class NodeKind { kRegular, kCharacter, kBlock };

// Opens `path` for reading, and for writing unless `read_only`; opening a regular file read-only
// does not change it, not even its access time (if its owner or root opens it). A block device is
// opened exclusively (O_EXCL) unless `read_only`: EBUSY if it is mounted. Refused with the errno of
// open(2) and "image.open"; with EISDIR or EINVAL, "image.kind", if it has another type. Thread
// rules: any thread.
absl::StatusOr<posix::Descriptor> OpenNode(const std::string& path, NodeKind kind, bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_OPEN_SOURCE_H_
