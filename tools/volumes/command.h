// SPDX-License-Identifier: Apache-2.0
// Runs a program: without a shell, in a fixed environment, returning its error messages.
#ifndef NVDIMMFS_TOOLS_VOLUMES_COMMAND_H_
#define NVDIMMFS_TOOLS_VOLUMES_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace nvdimmfs::volumes {

enum class Fate {
  kDiesWithUs,  // killed when the calling thread ends, in whatever way
  kOutlivesUs,  // processes that it leaves keep running
};

// Runs `arguments` and waits for the program. The first is an absolute path, or a name that is
// looked up in the system's directories. Refused with EIO, "command.failed", and its stderr output,
// unless it exits with 0; with the errno of fork or pipe, "command.start".
absl::Status RunCommand(const std::vector<std::string>& arguments, Fate fate);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_COMMAND_H_
