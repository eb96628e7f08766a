// Small files and folders, read whole.
#ifndef NVDIMMFS_TOOLS_VOLUMES_SMALL_FILE_H_
#define NVDIMMFS_TOOLS_VOLUMES_SMALL_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace nvdimmfs::volumes {

// At most `longest` bytes of it. Refused with open's or read's errno, "file.read".
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t longest = 4 << 20);
// The names in it, sorted. Refused with opendir's or readdir's errno, "file.read".
absl::StatusOr<std::vector<std::string>> ReadFolder(const std::string& path);

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_SMALL_FILE_H_
