// SPDX-License-Identifier: Apache-2.0
// Opens what a source names: a regular file, or a device node. What it is gets asked first: opening
// a FIFO waits, opening a device acts.
#ifndef NVDIMMFS_BACKENDS_OPEN_SOURCE_H_
#define NVDIMMFS_BACKENDS_OPEN_SOURCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::backends {

enum class NodeKind { kRegular, kCharacter, kBlock };

// Opens `path` for reading, and for writing unless `read_only`; nothing about a regular file
// changes by being opened read-only, its access time included (where its owner or root opens it).
// A block device is opened for ourselves alone (O_EXCL) unless `read_only`: EBUSY where it is
// mounted. Refused with the errno of open(2) and "image.open"; with EISDIR or EINVAL, "image.kind",
// where it is of another kind. Thread rules: any thread.
absl::StatusOr<posix::Descriptor> OpenNode(const std::string& path, NodeKind kind, bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_OPEN_SOURCE_H_
