// SPDX-License-Identifier: Apache-2.0
// Device numbers of the nd bus. A kernel assigns the majors dynamically; these are the ones that
// Debian's 6.1 assigns in a guest. (bus/nd/x/numbers sets others.)
#ifndef NVDIMMFS_CORE_ND_ND_NUMBERS_H_
#define NVDIMMFS_CORE_ND_ND_NUMBERS_H_

#include "core/model/node_numbers.h"

namespace nvdimmfs::core {

inline constexpr NodeSetting kDimmMajor = MajorSetting("dimm", 245);  // /dev/nmemN; the minor is N
inline constexpr NodeSetting kControlMajor = MajorSetting("control", 246);  // /dev/ndctlN, likewise
// /dev/pmemN; disk number K has the minor first_disk + K * disk_step.
inline constexpr NodeSetting kDiskMajor = MajorSetting("disk", 259);
inline constexpr NodeSetting kFirstDisk = {"first_disk", 0, 0, kMinorLimit};
inline constexpr NodeSetting kDiskStep = {"disk_step", 1, 1, kMinorLimit};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_ND_NUMBERS_H_
