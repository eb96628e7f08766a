// Loop devices over data files: what a file system is mounted from.
//
// A loop device calls back into whoever serves its file, so nothing here may run in a process that
// serves FUSE requests. The kernel takes a device away by itself with its last user, so that none
// is left behind whatever dies.
#ifndef NVDIMMFS_TOOLS_VOLUMES_LOOP_DEVICE_H_
#define NVDIMMFS_TOOLS_VOLUMES_LOOP_DEVICE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tools/volumes/descriptor.h"

namespace nvdimmfs::volumes {

class LoopDevice {
 public:
  // The device over `file` that there is already (two of them would be two caches of the same
  // bytes), or a new one with sectors of `sector_size`. Refused with the errno of the failing call,
  // "loop.device"; with EBUSY where one is there that is writable and must not be, or the reverse.
  static absl::StatusOr<LoopDevice> Attach(const std::string& file, uint32_t sector_size,
                                           bool read_only);
  // Where it is. Nothing: there is no loop device over `file`.
  static std::optional<std::string> Find(const std::string& file);
  // Whether `device` ("/dev/loop3") is one over `file`.
  static bool IsOver(const std::string& device, const std::string& file);

  const std::string& path() const { return path_; }  // "/dev/loop3"

 private:
  LoopDevice(std::string path, Descriptor device)
      : path_(std::move(path)), device_(std::move(device)) {}
  static std::optional<LoopDevice> Reuse(const std::string& file);

  std::string path_;
  Descriptor device_;  // keeps it until somebody else does
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_LOOP_DEVICE_H_
