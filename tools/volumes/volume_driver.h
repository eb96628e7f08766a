// What the plugin protocol asks for, as calls.
#ifndef NVDIMMFS_TOOLS_VOLUMES_VOLUME_DRIVER_H_
#define NVDIMMFS_TOOLS_VOLUMES_VOLUME_DRIVER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "tools/volumes/volume_options.h"

namespace nvdimmfs::volumes {

struct VolumeView {
  std::string name;
  std::string mountpoint;  // "" while it is not mounted
  int64_t created = 0;     // seconds since 1970; 0: not known
  nlohmann::ordered_json status;
};

// Thread rules: any thread. Every call is back within 5 seconds.
class VolumeDriver {
 public:
  virtual ~VolumeDriver() = default;
  // OK, too, where the very same volume is there already. Refused with EEXIST, "volume.exists";
  // ENOSPC, "volume.room"; as ParseVolumeOptions; as the device tree refuses.
  virtual absl::Status Create(const std::string& name, const OptionMap& options) = 0;
  // OK, too, where there is no such volume. Refused with EBUSY, "volume.mounted"; EPERM,
  // "volume.adopted".
  virtual absl::Status Remove(const std::string& name) = 0;
  // The directory to show to a container. The same id again is the same mount.
  virtual absl::StatusOr<std::string> Mount(const std::string& name, const std::string& id) = 0;
  // OK, too, for an id that does not have it mounted, and where there is no such volume.
  virtual absl::Status Unmount(const std::string& name, const std::string& id) = 0;
  virtual absl::StatusOr<std::string> Path(const std::string& name) = 0;
  virtual absl::StatusOr<VolumeView> Get(const std::string& name) = 0;
  // Without their status.
  virtual std::vector<VolumeView> List() = 0;
  // Forgets who asked for it, and unmounts it. Refused with ENOENT, "volume.none"; EBUSY,
  // "volume.mounted", while somebody has it.
  virtual absl::Status Release(const std::string& name) = 0;
  // OpenMetrics.
  virtual std::string Metrics() = 0;
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_VOLUME_DRIVER_H_
