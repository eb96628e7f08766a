// SPDX-License-Identifier: Apache-2.0
// Copies an image, holes included.
#ifndef NVDIMMFS_TOOLS_CRASH_IMAGE_COPY_H_
#define NVDIMMFS_TOOLS_CRASH_IMAGE_COPY_H_

#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::tools {

// Copies the file or block device `from` to the file `to`, which is replaced. Shares the blocks
// if the file system can; otherwise holes and zeros of the original are holes in the copy.
// Refused with the system's errno, "crash.copy". Thread rules: any thread.
absl::Status CopyImage(const std::string& from, const std::string& to);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CRASH_IMAGE_COPY_H_
