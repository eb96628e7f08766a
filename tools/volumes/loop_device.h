// Loop devices over data files: what a file system is mounted from.
//
// A loop device calls back into whoever serves its file, so nothing here may run in a process that
// serves FUSE requests. The kernel takes a device away by itself with its last user, so that none
// is left behind whatever dies.
#ifndef NVDIMMFS_TOOLS_VOLUMES_LOOP_DEVICE_H_
#define NVDIMMFS_TOOLS_VOLUMES_LOOP_DEVICE_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "backends/descriptor.h"

namespace nvdimmfs::volumes {

class LoopDevice {
 public:
  // The device over `file` that there is already (two of them would be two caches of the same
  // bytes), or a new one with sectors of `sector_size`. Where nobody has the file open there is
  // none: not `is_held` spares a look at every loop device of the machine. Refused with the errno
  // of the failing call, "loop.device"; with EBUSY where one is there that is writable and must not
  // be, or the reverse.
  static absl::StatusOr<LoopDevice> Attach(const std::string& file, uint32_t sector_size,
                                           bool read_only, bool is_held);
  // Where it is. Nothing: there is no loop device over `file`. Looks at every one of the machine.
  static std::optional<std::string> Find(const std::string& file);
  // Whether `device` is one over `file`.
  static bool IsOver(dev_t device, const std::string& file);

  const std::string& path() const { return path_; }  // "/dev/loop3"

 private:
  LoopDevice(std::string path, backends::Descriptor device)
      : path_(std::move(path)), device_(std::move(device)) {}
  static std::optional<LoopDevice> Reuse(const std::string& file);

  std::string path_;
  backends::Descriptor device_;  // keeps it until somebody else does
};

}  // namespace nvdimmfs::volumes

#endif  // NVDIMMFS_TOOLS_VOLUMES_LOOP_DEVICE_H_
