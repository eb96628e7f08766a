// SPDX-License-Identifier: Apache-2.0
// The commands of /dev/nmemN: label transfers, SMART, and CALL.
#ifndef NVDIMMFS_CORE_SERVICES_DIMM_COMMANDS_H_
#define NVDIMMFS_CORE_SERVICES_DIMM_COMMANDS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "core/commands/command.h"
#include "core/intel/format.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

// The label functions' bits in nfit/dsm_mask.
inline constexpr uint64_t kLabelFunctions = intel::kLabelBits;

// The most label bytes that one command transfers if the DIMM's firmware does not say: a page less
// the headers.
inline constexpr uint32_t kMaxLabelTransfer = 4076;

// `device` is a Dimm. Returns what ioctl(2) returns: 0, or the number of output bytes that did not
// fit.
absl::StatusOr<int> RunDimmCommand(Device& device, const Command& command);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_DIMM_COMMANDS_H_
