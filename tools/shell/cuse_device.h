// A character device of the kernel's that this process answers for (CUSE), with ioctls of any size.
//
// It is there from Make to its destruction, or the end of the process: whatever ends it. Its node
// appears in the host's /dev too (root's, 0600), under its name.
//
// How long the caller's buffer is only its content tells, so the kernel is asked for it piece by
// piece (FUSE_IOCTL_RETRY): each time more of it comes, as the caller has it by then. What is
// longer than the kernel carries, 128 KiB, is taken from the caller's memory (process_vm_readv).
//
// Thread rules: one thread has all of it.
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
  // Bytes of the caller's buffer that belong to the ioctl `number`, as far as the first ones tell:
  // while it is more than those, it is asked again with more of them.
  virtual uint64_t LengthOf(unsigned number, absl::Span<const std::byte> first) = 0;
  // What ioctl(2) returns, or minus the errno. `buffer` is what `length`, that LengthOf said, is
  // about, in and out; empty where that is over CuseDevice::kLongest.
  virtual int Ioctl(unsigned number, absl::Span<std::byte> buffer, uint64_t length) = 0;
};

class CuseDevice {
 public:
  static constexpr uint64_t kLongest = 4u << 20;  // bytes of a caller's buffer

  // Answers open(2): a refusal's errno is the caller's. `flags` are open's.
  using Opener = std::function<absl::StatusOr<std::unique_ptr<CuseFile>>(int flags)>;

  // Makes the device `name` of that number; with major 0 the kernel chooses one. `cuse` is an open
  // /dev/cuse, which is closed in all cases. Refused with EBUSY, "cuse.taken", where the kernel has
  // a device of that name or number; what libfuse says, "cuse.failed".
  static absl::StatusOr<std::unique_ptr<CuseDevice>> Make(int cuse, const std::string& name,
                                                          dev_t number, Opener opener);
  virtual ~CuseDevice() = default;

  // To poll for POLLIN; Serve then takes one request and answers it. False once the device is gone.
  virtual int descriptor() const = 0;
  virtual bool Serve() = 0;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_CUSE_DEVICE_H_
