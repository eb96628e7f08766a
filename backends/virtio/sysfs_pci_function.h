// SPDX-License-Identifier: Apache-2.0
// A PCI function of this machine through sysfs: its configuration file, its BARs (resourceN), and a
// huge page as memory that it reaches at its physical address. Needs root, and no driver bound.
//
// Limit: without an IOMMU nothing takes the page from the device when this process is killed
// (SIGKILL) with a request under way: its answer, 12 bytes, then lands in memory that is somebody
// else's.
#ifndef NVDIMMFS_BACKENDS_VIRTIO_SYSFS_PCI_FUNCTION_H_
#define NVDIMMFS_BACKENDS_VIRTIO_SYSFS_PCI_FUNCTION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "backends/virtio/pci_function.h"

namespace nvdimmfs::backends::virtio {

inline constexpr char kPciDevices[] = "/sys/bus/pci/devices";

// `address`: "0000:00:04.0". Refused with ENODEV, "virtio.pci", where there is none; EBUSY,
// "virtio.bound", where a driver has it or another process drives it from here.
absl::StatusOr<std::unique_ptr<PciFunction>> OpenSysfsPciFunction(const std::string& address);

}  // namespace nvdimmfs::backends::virtio

#endif  // NVDIMMFS_BACKENDS_VIRTIO_SYSFS_PCI_FUNCTION_H_
