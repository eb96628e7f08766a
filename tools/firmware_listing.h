// What `ndctl list -H` and `-F` add to DIMMs and buses: what their firmware says.
//
// Source: output of ndctl 76.1 in the shell, on the same sources.
#ifndef NVDIMMFS_TOOLS_FIRMWARE_LISTING_H_
#define NVDIMMFS_TOOLS_FIRMWARE_LISTING_H_

#include "tools/device_view.h"
#include "tools/ndctl_json.h"

namespace nvdimmfs::tools {

// Each null where there is nothing to say. Under the System's lock.
Json HealthJson(const DeviceView& dimm);
Json FirmwareJson(const DeviceView& dimm, const NumberFormat& format);
// How a bus activates firmware.
Json ActivationJson(const DeviceView& bus);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_FIRMWARE_LISTING_H_
