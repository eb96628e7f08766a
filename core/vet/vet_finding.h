// SPDX-License-Identifier: Apache-2.0
// A finding of the strict policy of `check`: it also states how many bytes it is about.
#ifndef NVDIMMFS_CORE_VET_VET_FINDING_H_
#define NVDIMMFS_CORE_VET_VET_FINDING_H_

#include <cstdint>

#include "core/base/finding.h"

namespace nvdimmfs::core {

struct VetFinding {
  Finding finding;
  uint64_t length = 0;  // bytes from the finding's offset on; 0: not stated
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_VET_VET_FINDING_H_
