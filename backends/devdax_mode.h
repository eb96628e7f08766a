// SPDX-License-Identifier: Apache-2.0
// What this machine's kernel uses a device of the dax bus for: only one in mode devdax can be
// mapped.
#ifndef NVDIMMFS_BACKENDS_DEVDAX_MODE_H_
#define NVDIMMFS_BACKENDS_DEVDAX_MODE_H_

#include <string>

#include "absl/status/status.h"
#include "backends/sysfs_folder.h"

namespace nvdimmfs::backends {

// Refused with EBUSY, "devdax.mode", if the driver that has `device`, the sysfs folder of the node
// `path`, uses it as system RAM (kmem) or for famfs (fsdev_dax, Linux 7.3 and later). A device
// without a driver, or with another, passes: open(2) says what is wrong with it.
// Thread rules: any thread.
absl::Status CheckDevdaxMode(const SysfsFolder& device, const std::string& path);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_DEVDAX_MODE_H_
