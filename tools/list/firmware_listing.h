// SPDX-License-Identifier: Apache-2.0
// What `ndctl list -H` and `-F` add to DIMMs and buses: the reports of their firmware.
//
// Source: output of ndctl 76.1 in the shell, on the same sources.
#ifndef NVDIMMFS_TOOLS_LIST_FIRMWARE_LISTING_H_
#define NVDIMMFS_TOOLS_LIST_FIRMWARE_LISTING_H_

#include "core/base/json.h"
#include "core/listing/device_view.h"
#include "core/listing/ndctl_json.h"

namespace nvdimmfs::tools {

// Each is null if there is nothing to report. Under the System's lock.
core::Json HealthJson(const core::DeviceView& dimm);
core::Json FirmwareJson(const core::DeviceView& dimm, const core::NumberFormat& format);
// How a bus activates firmware.
core::Json ActivationJson(const core::DeviceView& bus);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_LIST_FIRMWARE_LISTING_H_
