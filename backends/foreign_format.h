// SPDX-License-Identifier: Apache-2.0
// Detects files that hold an image in another format: a hypervisor's, or compressed.
#ifndef NVDIMMFS_BACKENDS_FOREIGN_FORMAT_H_
#define NVDIMMFS_BACKENDS_FOREIGN_FORMAT_H_

#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::backends {

// Refused with EINVAL, "image.format", if the file's first bytes are those of such a format. The
// message has the command that converts it, and the option that opens it as it is, since a DIMM may
// start with such bytes by chance. Unreadable bytes are not refused. `path` is for the message.
absl::Status CheckFormat(int fd, const std::string& path);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_FOREIGN_FORMAT_H_
