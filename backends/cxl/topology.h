// SPDX-License-Identifier: Apache-2.0
// The persistent regions of this machine's CXL devices, from the kernel's sysfs.
#ifndef NVDIMMFS_BACKENDS_CXL_TOPOLOGY_H_
#define NVDIMMFS_BACKENDS_CXL_TOPOLOGY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/sysfs_folder.h"
#include "core/base/range.h"

namespace nvdimmfs::backends::cxl {

inline constexpr char kCxlDevices[] = "/sys/bus/cxl/devices";

// A device's part of a region.
struct Target {
  std::string memdev;  // "mem0"
  core::Range dpa;
};

struct Region {
  std::string name;             // "region0"
  core::Range hpa;              // system physical addresses
  uint64_t granularity = 0;     // bytes on one target before the next one follows
  std::vector<Target> targets;  // in address order
};

// The committed regions of persistent capacity. A region whose attributes are inconsistent (its
// size is not the sum of its targets' parts, ...) is refused with EIO, "cxl.region".
absl::StatusOr<std::vector<Region>> FindRegions(const SysfsFolder& devices);

// Checks that the region still exists at the same address. Stores to the addresses of a region that
// was torn down (its device's driver unbound, the region destroyed) are lost without an error.
// Refused with EIO, "cxl.region.gone".
absl::Status CheckCommitted(const SysfsFolder& devices, const Region& region);

// The offset in the region, in bytes, of byte `dpa` (relative to the start of the target's part) of
// target `position`.
uint64_t OffsetInRegion(const Region& region, size_t position, uint64_t dpa);

// The object with which the kernel's cxl_pmem drives the memory device, and so owns its label area
// ("pmem0"); nothing if it does not.
std::optional<std::string> KernelOwner(const SysfsFolder& memdev);

}  // namespace nvdimmfs::backends::cxl

#endif  // NVDIMMFS_BACKENDS_CXL_TOPOLOGY_H_
