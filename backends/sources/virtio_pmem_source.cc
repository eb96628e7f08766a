// SPDX-License-Identifier: Apache-2.0
#include "backends/sources/virtio_pmem_source.h"

#include "backends/sources/image_options.h"
#include "backends/virtio/virtio_pmem_backend.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {

absl::StatusOr<Buses> OpenVirtioPmemSource(const SourceArguments& arguments) {
  ASSIGN_OR_RETURN(const ImageOptions options, ReadImageOptions(arguments));
  Buses buses(1);
  ASSIGN_OR_RETURN(buses[0],
                   virtio::OpenVirtioPmem(arguments.name, {.read_only = options.read_only,
                                                           .force = options.force,
                                                           .durability = options.durability}));
  return buses;
}

}  // namespace nvdimmfs::backends
