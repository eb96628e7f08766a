// SPDX-License-Identifier: Apache-2.0
// The commands of /dev/ndctlN.
#ifndef NVDIMMFS_CORE_SERVICES_BUS_COMMANDS_H_
#define NVDIMMFS_CORE_SERVICES_BUS_COMMANDS_H_

#include "absl/status/statusor.h"
#include "core/commands/command.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

// `device` is a ControlDevice. Returns what ioctl(2) returns.
absl::StatusOr<int> RunBusCommand(Device& device, const Command& command);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_BUS_COMMANDS_H_
