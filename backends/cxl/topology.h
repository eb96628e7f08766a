// SPDX-License-Identifier: Apache-2.0
// The persistent regions of this machine's CXL devices, as the kernel's sysfs has them.
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
  uint64_t granularity = 0;     // bytes on one target before the next one's turn
  std::vector<Target> targets;  // in the order of addresses
};

// The committed regions of persistent capacity. A region whose attributes do not make sense (its
// size is not the sum of its targets' parts, ...) is refused with EIO, "cxl.region".
absl::StatusOr<std::vector<Region>> FindRegions(const SysfsFolder& devices);

// Whether the region is still there and where it was. What is stored to the addresses of one that
// was torn down (its device's driver unbound, the region destroyed) goes nowhere, without an error.
// Refused with EIO, "cxl.region.gone".
absl::Status CheckCommitted(const SysfsFolder& devices, const Region& region);

// Where byte `dpa` (counted from the start of the target's part) of target `position` lies in the
// region, bytes from its start.
uint64_t OffsetInRegion(const Region& region, size_t position, uint64_t dpa);

// The object by which the kernel's cxl_pmem drives the memory device, and so keeps its label area
// ("pmem0"); nothing where it does not.
std::optional<std::string> KernelOwner(const SysfsFolder& memdev);

}  // namespace nvdimmfs::backends::cxl

#endif  // NVDIMMFS_BACKENDS_CXL_TOPOLOGY_H_
