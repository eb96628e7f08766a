// The commands of /dev/ndctlN.
#ifndef NVDIMMFS_CORE_BUS_COMMANDS_H_
#define NVDIMMFS_CORE_BUS_COMMANDS_H_

#include "absl/status/statusor.h"
#include "core/command.h"
#include "core/device.h"

namespace nvdimmfs::core {

// `device` is a ControlDevice. What ioctl(2) returns.
absl::StatusOr<int> RunBusCommand(Device& device, const Command& command);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_BUS_COMMANDS_H_
