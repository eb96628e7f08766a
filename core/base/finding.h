// What a reader noticed on media that is damaged, odd or recovered: not an error of the call, but a
// line for `nvdimmfs check`, for the log and for x/last_error.
#ifndef NVDIMMFS_CORE_BASE_FINDING_H_
#define NVDIMMFS_CORE_BASE_FINDING_H_

#include <cstdint>
#include <string>

namespace nvdimmfs::core {

struct Finding {
  std::string reason;    // stable and dotted: "label.slot.checksum"
  uint64_t offset = 0;   // bytes from the start of the structure's own media
  std::string sentence;  // what is wrong, with the numbers
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BASE_FINDING_H_
