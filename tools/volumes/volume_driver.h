// SPDX-License-Identifier: Apache-2.0
// The calls of the plugin protocol.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUME_DRIVER_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUME_DRIVER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/json.h"
#include "tools/volumes/volume_options.h"

namespace nvdimmfs::volumes {

struct VolumeView {
  std::string name;
  std::string mountpoint;  // "": not mounted
  int64_t created = 0;     // seconds since 1970; 0: unknown
  core::Json status;
};

// Thread rules: any thread. Every call returns within 5 seconds.
class VolumeDriver {
 public:
  virtual ~VolumeDriver() = default;
  // Also OK if the same volume exists. Refused with EEXIST, "volume.exists" (it has other options)
  // or "volume.unusable"; ENOSPC, "volume.room"; as ParseVolumeOptions; as the device tree refuses.
  virtual absl::Status Create(const std::string& name, const OptionMap& options) = 0;
  // Also OK if there is no such volume. Refused with EBUSY, "volume.mounted"; EPERM,
  // "volume.adopted".
  virtual absl::Status Remove(const std::string& name) = 0;
  // The directory to mount in a container. A repeated id is the same mount.
  virtual absl::StatusOr<std::string> Mount(const std::string& name, const std::string& id) = 0;
  // Also OK for an unknown id, and if there is no such volume.
  virtual absl::Status Unmount(const std::string& name, const std::string& id) = 0;
  virtual absl::StatusOr<std::string> Path(const std::string& name) = 0;
  virtual absl::StatusOr<VolumeView> Get(const std::string& name) = 0;
  // Without their status.
  virtual std::vector<VolumeView> List() = 0;
  // Unmounts the volume and forgets its mount ids. Refused with ENOENT, "volume.none"; EBUSY,
  // "volume.mounted", while a process uses it.
  virtual absl::Status Release(const std::string& name) = 0;
  // OpenMetrics.
  virtual std::string Metrics() = 0;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_DRIVER_H_
