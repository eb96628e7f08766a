// SPDX-License-Identifier: Apache-2.0
// Commands to a CXL memory device: the interface between commands and their transport.
//
// Thread rules: any thread; one command at a time reaches the device.
#ifndef NVDIMMFS_BACKENDS_CXL_MAILBOX_H_
#define NVDIMMFS_BACKENDS_CXL_MAILBOX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/posix/descriptor.h"

namespace nvdimmfs::backends::cxl {

// The kernel's description of a command that both driver and device support. Sizes in bytes, ~0 for
// variable ones.
struct CommandInfo {
  uint32_t id = 0;
  uint32_t flags = 0;
  uint32_t size_in = 0;
  uint32_t size_out = 0;
};
// In CommandInfo::flags: the kernel reserves the command for itself. (Older kernels do not set it.)
inline constexpr uint32_t kCommandExclusive = 2;

class Mailbox {
 public:
  virtual ~Mailbox() = default;

  virtual absl::StatusOr<std::vector<CommandInfo>> Commands() = 0;
  // Sends command `id` (CXL_MEM_COMMAND_ID_*) and returns its output, at most `out_size` bytes.
  // Refused with the driver's errno and "cxl.command" if it did not reach the device, and with
  // "cxl.device" and an errno from payloads.h's table if the device refused it.
  virtual absl::StatusOr<std::vector<std::byte>> Send(uint32_t id, absl::Span<const std::byte> in,
                                                      size_t out_size) = 0;
};

// The refusal for a device's non-zero return code.
absl::Status DeviceRefusal(uint32_t return_code, uint32_t command, const std::string& device);

// Through the ioctls of /dev/cxl/memN (linux/cxl_mem.h). `device` is its name, for messages.
std::unique_ptr<Mailbox> MakeIoctlMailbox(posix::Descriptor node, const std::string& device);

}  // namespace nvdimmfs::backends::cxl

#endif  // NVDIMMFS_BACKENDS_CXL_MAILBOX_H_
