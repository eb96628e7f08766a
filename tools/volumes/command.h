// SPDX-License-Identifier: Apache-2.0
// Runs a program: without a shell, in a fixed environment, returning its error messages.
#ifndef NVDIMMFS_TOOLS_VOLUMES_COMMAND_H_
#define NVDIMMFS_TOOLS_VOLUMES_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nvdimmfs::volumes {

enum class Fate {
  kDiesWithUs,  // killed when the calling thread ends, in whatever way
  kOutlivesUs,  // processes that it leaves keep running
};

// How a program ended.
struct CommandResult {
  int exit_status = 0;    // 0 to 255; -1: killed by a signal
  int signal_number = 0;  // 0: none
  std::string said;       // its stderr output, without white space around it
};

// Runs `arguments` and waits for the program. The first is an absolute path, or a name that is
// looked up in the system's directories. Refused with the errno of fork or pipe, "command.start".
absl::StatusOr<CommandResult> ResultOfCommand(const std::vector<std::string>& arguments, Fate fate);

// The same; also refused with EIO, "command.failed", and the program's stderr output, unless it
// exits with 0.
absl::Status RunCommand(const std::vector<std::string>& arguments, Fate fate);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_COMMAND_H_
