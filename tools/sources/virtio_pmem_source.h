// virtio-pmem:/dev/pmemN, or virtio-pmem:PCI-ADDRESS: a guest's virtio-pmem device.
#ifndef NVDIMMFS_TOOLS_SOURCES_VIRTIO_PMEM_SOURCE_H_
#define NVDIMMFS_TOOLS_SOURCES_VIRTIO_PMEM_SOURCE_H_

#include "tools/sources/kind.h"

namespace nvdimmfs::tools {

inline constexpr absl::string_view kVirtioPmemOptions[] = {"force", "durability"};

// Refused as backends/virtio/virtio_pmem_backend.h says.
absl::StatusOr<Buses> OpenVirtioPmemSource(const SourceArguments& arguments);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SOURCES_VIRTIO_PMEM_SOURCE_H_
