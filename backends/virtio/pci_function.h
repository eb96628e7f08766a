// SPDX-License-Identifier: Apache-2.0
// A PCI function for a driver in user space: the interface between the driver and the machine.
//
// Thread rules: one thread at a time.
#ifndef NVDIMMFS_BACKENDS_VIRTIO_PCI_FUNCTION_H_
#define NVDIMMFS_BACKENDS_VIRTIO_PCI_FUNCTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/range.h"

namespace nvdimmfs::backends::virtio {

// Registers in a BAR. Each call is one access to the device, of `width` bytes (1, 2 or 4; aligned,
// within the registers). A removed device reads as all ones.
class Registers {
 public:
  virtual ~Registers() = default;
  virtual uint32_t Read(unsigned offset, unsigned width) = 0;
  virtual void Write(unsigned offset, unsigned width, uint32_t value) = 0;
};

// Memory accessible to the device.
struct DmaPage {
  std::byte* at = nullptr;  // a whole page of 4096 bytes
  uint64_t address = 0;     // its address for the device
};

class PciFunction {
 public:
  virtual ~PciFunction() = default;

  virtual const std::string& name() const = 0;  // for messages
  // Refused with the system's errno and "virtio.pci", also outside the configuration space.
  virtual absl::Status ReadConfig(unsigned offset, absl::Span<std::byte> out) = 0;
  virtual absl::Status WriteConfig(unsigned offset, absl::Span<const std::byte> data) = 0;
  // Refused with EINVAL, "virtio.pci", if the part is not within a memory BAR.
  virtual absl::StatusOr<std::unique_ptr<Registers>> Map(unsigned bar, uint64_t offset,
                                                         uint64_t size) = 0;
  // The system physical addresses of a memory BAR. Refused with EINVAL, "virtio.pci", if there is
  // no such BAR.
  virtual absl::StatusOr<core::Range> BarAddresses(unsigned bar) = 0;
  // Zeroed; its address does not change for as long as this object lives.
  virtual absl::StatusOr<DmaPage> AllocatePage() = 0;
};

}  // namespace nvdimmfs::backends::virtio

#endif  // NVDIMMFS_BACKENDS_VIRTIO_PCI_FUNCTION_H_
