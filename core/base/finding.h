// SPDX-License-Identifier: Apache-2.0
// Something damaged, odd or recovered on media. Not an error of the call that found it, but a line
// for `nvdimmfs check`, the log and x/last_error.
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
