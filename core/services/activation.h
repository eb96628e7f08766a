// SPDX-License-Identifier: Apache-2.0
// Activation of staged firmware without a power cycle: the firmware/ groups of a bus and of its
// DIMMs. DIMMs are armed; the bus then activates all armed DIMMs together.
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_SERVICES_ACTIVATION_H_
#define NVDIMMFS_CORE_SERVICES_ACTIVATION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

absl::StatusOr<std::string> ShowBusActivate(Device& bus);
absl::Status StoreBusActivate(Device& bus, absl::string_view text);
absl::StatusOr<std::string> ShowBusCapability(Device& bus);
absl::StatusOr<std::string> ShowNoIdle(Device& bus);
absl::Status StoreNoIdle(Device& bus, absl::string_view text);
absl::StatusOr<std::string> ShowDimmActivate(Device& dimm);
absl::Status StoreDimmActivate(Device& dimm, absl::string_view text);
absl::StatusOr<std::string> ShowDimmResult(Device& dimm);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_SERVICES_ACTIVATION_H_
