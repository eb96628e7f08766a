// SPDX-License-Identifier: Apache-2.0
// A CXL memory device (/dev/cxl/memN): a bus with the DIMMs and regions that the kernel's cxl_pmem
// would create for it and for the devices that it is interleaved with.
//
//   data                  the region's system addresses, mapped through /dev/mem while the kernel
//                         does not use them; or a node of the kernel's over the region (`data`)
//   labels                the device's label storage area: read through its mailbox; written
//                         through the mailbox or, while cxl_pmem has it, through the kernel's
//                         disabled DIMM (nmem_lsa.h)
//   durable after Drain   CPU flushes reach the device's persistence domain
//   Flush                 nothing more to do, but an error if the kernel has torn the region down;
//                         for a node, as for that node
//   poison                the device's list, if device and kernel provide it
#ifndef NVDIMMFS_BACKENDS_CXL_CXL_BACKEND_H_
#define NVDIMMFS_BACKENDS_CXL_CXL_BACKEND_H_

#include <string>

#include "absl/status/statusor.h"
#include "backends/dimm_parts.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends::cxl {

struct CxlOptions {
  bool read_only = false;
  std::string data;    // a node or file with the region's bytes; "": the region's own addresses
  LabelPlace labels;   // with `data`: at its end or in a file, instead of the device's area
  bool force = false;  // with read_only: open it although another process writes it
};

// Refused as OpenNode, Memdev::Make, FindRegions and Pmem2Media::Map say; with EBUSY,
// "cxl.lsa.owned", for writing while the kernel uses the DIMM or its region; with EINVAL,
// "cxl.kind", if `path` is not a CXL memory device. Thread rules: any thread.
absl::StatusOr<core::BusSource> OpenCxl(const std::string& path, const CxlOptions& options);

}  // namespace nvdimmfs::backends::cxl

#endif  // NVDIMMFS_BACKENDS_CXL_CXL_BACKEND_H_
