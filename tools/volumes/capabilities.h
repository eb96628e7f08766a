// SPDX-License-Identifier: Apache-2.0
// Which of root's rights this program keeps.
#ifndef NVDIMMFS_TOOLS_VOLUMES_CAPABILITIES_H_
#define NVDIMMFS_TOOLS_VOLUMES_CAPABILITIES_H_

#include "absl/status/status.h"

namespace nvdimmfs::volumes {

// Gives up every capability, for itself and for what it starts, but these:
//   CAP_SYS_ADMIN      mounts, loop devices
//   CAP_SYS_RESOURCE   its servers mark themselves as part of writing memory back
//                      (PR_SET_IO_FLUSHER)
//   CAP_SYS_PTRACE     looks which mount namespaces other processes are in, and what they have open
//   CAP_CHOWN, CAP_FOWNER, CAP_DAC_OVERRIDE
//                      owner and permissions of volumes; images of others
// The unit file has the same list. Refused with EPERM, "volumes.capabilities", without
// CAP_SYS_ADMIN. Call before any thread exists.
absl::Status KeepNeededCapabilities();

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_CAPABILITIES_H_
