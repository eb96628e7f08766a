// SPDX-License-Identifier: Apache-2.0
// A PCI function of this machine through sysfs: its configuration file, its BARs (resourceN), and a
// huge page as memory that the device accesses by physical address. Needs root, and no driver
// bound.
//
// Limit: without an IOMMU, nothing stops the device from writing to the page after this process is
// killed (SIGKILL) with a request in flight: the 12 bytes of the answer then go into memory that
// may belong to another process.
#ifndef NVDIMMFS_BACKENDS_VIRTIO_SYSFS_PCI_FUNCTION_H_
#define NVDIMMFS_BACKENDS_VIRTIO_SYSFS_PCI_FUNCTION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "backends/virtio/pci_function.h"

namespace nvdimmfs::backends::virtio {

inline constexpr char kPciDevices[] = "/sys/bus/pci/devices";

// `address`: "0000:00:04.0". Refused with ENODEV, "virtio.pci", if there is none; EBUSY,
// "virtio.bound", if a driver is bound to it, and "virtio.busy" if another process uses it from
// user space; EIO, "virtio.iommu".
absl::StatusOr<std::unique_ptr<PciFunction>> OpenSysfsPciFunction(const std::string& address);

}  // namespace nvdimmfs::backends::virtio

#endif  // NVDIMMFS_BACKENDS_VIRTIO_SYSFS_PCI_FUNCTION_H_
