// SPDX-License-Identifier: Apache-2.0
// A character device that this process serves (CUSE), with ioctls of any size.
//
// The device exists from Make until its destruction or the end of the process. Its node also
// appears in the host's /dev under the same name, owned by root, mode 0600.
//
// Only the content of the caller's buffer tells its length. So the kernel is asked for the buffer
// piece by piece (FUSE_IOCTL_RETRY); each retry carries its current content. A buffer longer than
// the 128 KiB that the kernel carries is read from the caller's memory (process_vm_readv).
//
// Thread rules: one thread.
#ifndef NVDIMMFS_TOOLS_SHELL_CUSE_DEVICE_H_
#define NVDIMMFS_TOOLS_SHELL_CUSE_DEVICE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace nvdimmfs::tools {

// One open(2) of a device.
class CuseFile {
 public:
  virtual ~CuseFile() = default;
  // Length in bytes of the caller's buffer for ioctl `number`, as far as its first bytes tell. If
  // it is more than those, it is asked again with more of them.
  virtual uint64_t LengthOf(unsigned number, absl::Span<const std::byte> first) = 0;
  // Returns the result of ioctl(2), or the negative errno. `buffer`, in and out, has the `length`
  // bytes that LengthOf returned; it is empty if `length` exceeds CuseDevice::kLongest.
  virtual int Ioctl(unsigned number, absl::Span<std::byte> buffer, uint64_t length) = 0;
};

class CuseDevice {
 public:
  static constexpr uint64_t kLongest = 4u << 20;  // bytes of a caller's buffer

  // Answers open(2) with `flags`; the caller gets a refusal's errno.
  using Opener = std::function<absl::StatusOr<std::unique_ptr<CuseFile>>(int flags)>;

  // Makes the device `name` with that number; for major 0 the kernel chooses one. Takes ownership
  // of `cuse`, an open /dev/cuse. Refused with EBUSY, "cuse.taken", if the kernel has a device of
  // that name or number; with EIO, "cuse.failed", if libfuse fails.
  static absl::StatusOr<std::unique_ptr<CuseDevice>> Make(int cuse, const std::string& name,
                                                          dev_t number, Opener opener);
  virtual ~CuseDevice() = default;

  // Poll it for POLLIN; Serve then answers one request. Serve returns false once the device is
  // gone.
  virtual int descriptor() const = 0;
  virtual bool Serve() = 0;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_CUSE_DEVICE_H_
