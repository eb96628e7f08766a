// SPDX-License-Identifier: Apache-2.0
// A device-dax node (/dev/daxR.N) as a DIMM: one namespace of the kernel becomes a region with any
// number of namespaces.
//
// The device's bytes are laid out like an image file: data, then the label area. So a copy of them
// is an image that nvdimmfs and QEMU guests can open.
//
//   durable after Drain   where the CPU's flushes reach the media (libpmem2's granularity)
//   Flush                 the nd region's own deep flush, through libpmem2
//   poison                the nd region's `badblocks` when it is opened; then bytes whose memory
//                         fails during an access (EIO, "media.poison", and bad from then on)
//   labels                in the device's tail, or in a file
#ifndef NVDIMMFS_BACKENDS_DEVDAX_BACKEND_H_
#define NVDIMMFS_BACKENDS_DEVDAX_BACKEND_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "backends/dimm_parts.h"
#include "backends/sysfs_folder.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

struct DevdaxOptions {
  LabelPlace labels;
  SlotWish slot;
  bool read_only = false;
  bool force = false;  // with read_only: open it even if another process writes it
};

// The device's bytes, opened for this process alone, and the device's sysfs folder.
struct DevdaxMapping {
  std::shared_ptr<core::Media> media;
  SysfsFolder device;
};
// Refused as OpenDevdax.
absl::StatusOr<DevdaxMapping> MapDevdax(const std::string& path, const DevdaxOptions& options);

// Refused as OpenNode, CheckDevdaxMode, LockImage, Pmem2Media::Map and DimmOf say; with EINVAL,
// "devdax.kind", if it is not a device-dax node, and "devdax.size", if sysfs does not give a size
// and alignment that can be mapped. Thread rules: any thread.
absl::StatusOr<core::BusSource> OpenDevdax(const std::string& path, const DevdaxOptions& options);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_DEVDAX_BACKEND_H_
