// Running a program: no shell, a fixed environment, its complaints brought back.
#ifndef NVDIMMFS_TOOLS_VOLUMES_COMMAND_H_
#define NVDIMMFS_TOOLS_VOLUMES_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace nvdimmfs::volumes {

enum class Fate {
  kDiesWithUs,  // killed when the calling thread ends, however that comes
  kOutlivesUs,  // what it leaves running goes on
};

// Runs `arguments` (the first: an absolute path, or a name that is looked up in the system's
// directories) and waits for it. Refused with EIO, "command.failed", and what it wrote to stderr,
// unless it exits with 0; with fork's or exec's errno, "command.start".
absl::Status RunCommand(const std::vector<std::string>& arguments, Fate fate);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_COMMAND_H_
