// SPDX-License-Identifier: Apache-2.0
// Files that hold an image in another form than byte for byte: a hypervisor's, or compressed.
#ifndef NVDIMMFS_BACKENDS_FOREIGN_FORMAT_H_
#define NVDIMMFS_BACKENDS_FOREIGN_FORMAT_H_

#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::backends {

// Refused with EINVAL, "image.format", where the file's first bytes are those of such a form; the
// sentence has the command that makes an image of it, and the option that opens it as it is. A DIMM
// may begin so by chance. Bytes that cannot be read are no refusal. `path` is for the sentence.
absl::Status CheckFormat(int fd, const std::string& path);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_FOREIGN_FORMAT_H_
