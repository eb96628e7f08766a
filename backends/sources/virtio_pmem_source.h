// SPDX-License-Identifier: Apache-2.0
// virtio-pmem:/dev/pmemN, or virtio-pmem:PCI-ADDRESS: a guest's virtio-pmem device.
#ifndef NVDIMMFS_BACKENDS_SOURCES_VIRTIO_PMEM_SOURCE_H_
#define NVDIMMFS_BACKENDS_SOURCES_VIRTIO_PMEM_SOURCE_H_

#include "backends/sources/kind.h"

namespace nvdimmfs::backends {

inline constexpr absl::string_view kVirtioPmemOptions[] = {"force", "durability"};

// Refused as backends/virtio/virtio_pmem_backend.h says.
absl::StatusOr<Buses> OpenVirtioPmemSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_SOURCES_VIRTIO_PMEM_SOURCE_H_
