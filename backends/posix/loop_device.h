// SPDX-License-Identifier: Apache-2.0
// The kernel's loop devices: block devices over files.
//
// A loop device calls back into the server of its file, so a process that serves FUSE requests must
// not use anything here. Each call may wait for that server. Refusals have the errno of the failing
// call and "loop.device". Thread rules: those of a plain value.
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

// Creates the loop device `index`, with nothing attached. `control` is /dev/loop-control. Returns 0
// or the errno, EEXIST if the device exists.
int AddLoop(int control, uint32_t index);
// Removes it, unless it is in use. Returns 0 or the errno.
int RemoveLoop(int control, uint32_t index);

// How a file is attached.
struct LoopSettings {
  uint32_t sector_size = 0;  // bytes; 0: the kernel's choice
  bool read_only = false;
  bool direct = false;      // bypass the file's page cache; the file must allow O_DIRECT
  bool partitions = false;  // the kernel scans for partitions
  bool autoclear = false;   // the kernel detaches the file after the last close
};

// The attached file.
struct LoopBacking {
  dev_t device = 0;  // st_dev and st_ino of the file
  ino_t inode = 0;
  bool is_block_device = false;  // the file is itself a block device
  bool read_only = false;
};

// An open loop device.
class LoopDevice {
 public:
  // `node` is the path of a device node.
  static absl::StatusOr<LoopDevice> Open(const std::string& node, bool read_only = true);

  // The existing device over `file`, since two devices would be two caches of the same bytes;
  // otherwise a new one, with autoclear, so that none is left behind if a process dies. It bypasses
  // the file's page cache if the file allows that. If the caller knows that no other process has
  // the file open, it passes `is_held` false, which saves searching all loop devices of the
  // machine. EBUSY if the existing device has the opposite read-only setting.
  static absl::StatusOr<LoopDevice> Attach(const std::string& file, uint32_t sector_size,
                                           bool read_only, bool is_held);
  // The path of the device over `file`; nothing if there is none. Searches all loop devices of the
  // machine.
  static std::optional<std::string> Find(const std::string& file);
  // Whether the block device `device` is a loop device over `file`.
  static bool IsOver(dev_t device, const std::string& file);

  const std::string& path() const { return path_; }  // "/dev/loop3", or as it was opened

  // Attaches `file`, an open descriptor. EBUSY if something is attached already.
  absl::Status Configure(int file, const LoopSettings& settings) const;
  // ENXIO if nothing is attached; ENOTCONN if the file's server is gone.
  absl::StatusOr<LoopBacking> Backing() const;
  // Whether the file's server is gone: a flush of the device fails with EIO, and not because of a
  // block device below it.
  bool IsLost() const;
  // Detaches the file: at once, or when the last user closes the device.
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
