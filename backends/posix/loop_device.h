// SPDX-License-Identifier: Apache-2.0
// The kernel's loop devices: block devices over files.
//
// A loop device calls back into the server of its file, so nothing here may run in a process that
// serves FUSE requests. Each call may wait for that server. Refusals have the errno of the failing
// call and "loop.device". Thread rules: as a plain value's.
#ifndef NVDIMMFS_BACKENDS_POSIX_LOOP_DEVICE_H_
#define NVDIMMFS_BACKENDS_POSIX_LOOP_DEVICE_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::posix {

inline constexpr unsigned kLoopMajor = 7;

// The number of the loop device that "loop3", or its partition "loop3p1", names.
std::optional<uint32_t> LoopIndexOf(absl::string_view name);

// Makes the loop device `index`, with nothing attached; 0, or the errno: EEXIST where there is one.
// `control` is /dev/loop-control.
int AddLoop(int control, uint32_t index);
// Takes it away, unless it is in use. 0, or the errno.
int RemoveLoop(int control, uint32_t index);

// How a file is attached.
struct LoopSettings {
  uint32_t sector_size = 0;  // bytes; 0: the kernel's choice
  bool read_only = false;
  bool direct = false;      // I/O past the file's page cache; the file must allow O_DIRECT
  bool partitions = false;  // the kernel looks for them
  bool autoclear = false;   // detached by the kernel after the last user
};

// What is attached.
struct LoopBacking {
  dev_t device = 0;  // that the file lies on, and
  ino_t inode = 0;
  bool is_block_device = false;  // the file is one itself
  bool read_only = false;
};

// An open loop device.
class LoopDevice {
 public:
  // `node` is a path of a device node.
  static absl::StatusOr<LoopDevice> Open(const std::string& node, bool read_only = true);

  // The device over `file` that exists (two of them would be two caches of the same bytes), or a
  // new one, detached by the kernel after its last user, so that none is left behind whatever dies.
  // Past the file's page cache where the file allows that. A caller that knows the file to be
  // closed everywhere else passes `is_held` false, which spares a look at all loop devices of the
  // machine. EBUSY where one is there with the opposite read-only setting.
  static absl::StatusOr<LoopDevice> Attach(const std::string& file, uint32_t sector_size,
                                           bool read_only, bool is_held);
  // The path of the device over `file`; nothing where there is none. Looks at all loop devices of
  // the machine.
  static std::optional<std::string> Find(const std::string& file);
  // Whether the block device `device` is a loop device over `file`.
  static bool IsOver(dev_t device, const std::string& file);

  const std::string& path() const { return path_; }  // "/dev/loop3", or as it was opened

  // Attaches `file`, an open descriptor. EBUSY where something else is attached.
  absl::Status Configure(int file, const LoopSettings& settings) const;
  // ENXIO where nothing is attached; ENOTCONN where the file's server is gone.
  absl::StatusOr<LoopBacking> Backing() const;
  // Whether the file's server is gone: a flush of the device fails with EIO, and not because of a
  // block device below it.
  bool IsLost() const;
  // Lets go of the file: at once, or when the last user closes the device.
  void Detach() const;

 private:
  LoopDevice(std::string path, Descriptor device)
      : path_(std::move(path)), device_(std::move(device)) {}
  static std::optional<LoopDevice> Existing(const std::string& file);

  std::string path_;
  Descriptor device_;
};

}  // namespace nvdimmfs::posix

#endif  // NVDIMMFS_BACKENDS_POSIX_LOOP_DEVICE_H_
