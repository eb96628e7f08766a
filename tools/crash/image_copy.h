// SPDX-License-Identifier: Apache-2.0
// A copy of an image with its holes.
#ifndef NVDIMMFS_TOOLS_CRASH_IMAGE_COPY_H_
#define NVDIMMFS_TOOLS_CRASH_IMAGE_COPY_H_

#include <string>

#include "absl/status/status.h"

namespace nvdimmfs::tools {

// Copies the file or block device `from` to the file `to`, which is replaced. Shares the blocks
// where the file system can; else what is a hole or reads as zeros is a hole in the copy.
// Refused with the system's errno, "crash.copy". Thread rules: any thread.
absl::Status CopyImage(const std::string& from, const std::string& to);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CRASH_IMAGE_COPY_H_
