// SPDX-License-Identifier: Apache-2.0
// A virtio-pmem device in a guest: a bus of provider `virtio-pmem` with one label-less region.
//
//   NAME                        data                               Flush
//   /dev/pmemN                  the kernel's disk, page-cached     fdatasync: the kernel's driver
//                                                                  sends the device's flush request
//   0000:00:04.0 (PCI address)  the device's memory by /dev/mem    the flush request, by the driver
//                                                                  here (pmem_device.h)
//
// Stores reach the host's page cache and are durable only after Flush; with Durability::kPower
// every Drain also flushes. As in the kernel, these devices have no labels.
#ifndef NVDIMMFS_BACKENDS_VIRTIO_VIRTIO_PMEM_BACKEND_H_
#define NVDIMMFS_BACKENDS_VIRTIO_VIRTIO_PMEM_BACKEND_H_

#include <string>

#include "absl/status/statusor.h"
#include "backends/pmem2_media.h"
#include "backends/whole_file.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends::virtio {

// Refused as MapWholeDisk, PmemDevice::Make and OpenSysfsPciFunction say, and with EINVAL,
// "virtio.kind", if the disk does not belong to a virtio-pmem device. Thread rules: any thread.
absl::StatusOr<core::BusSource> OpenVirtioPmem(const std::string& name, const FileOptions& options);

}  // namespace nvdimmfs::backends::virtio

#endif  // NVDIMMFS_BACKENDS_VIRTIO_VIRTIO_PMEM_BACKEND_H_
