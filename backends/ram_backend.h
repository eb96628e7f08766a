// SPDX-License-Identifier: Apache-2.0
// Memory as one DIMM with labels, like the kernel's ramdax driver for a carve-out of RAM: the label
// area is the last 128 KiB, labels are in use from the start, and the set cookie is fixed.
//
// Nothing survives the process. The driver is that of Linux 6.19, drivers/nvdimm/ramdax.c.
#ifndef NVDIMMFS_BACKENDS_RAM_BACKEND_H_
#define NVDIMMFS_BACKENDS_RAM_BACKEND_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

inline constexpr uint64_t kRamLabelSize = 128 << 10;  // bytes
inline constexpr uint64_t kRamCookie = 0xcafebeefcafebeef;
inline constexpr uint32_t kRamLabelTransfer = 8;  // bytes per label command
// Large enough for one claim: the kernel requires namespaces of 16 MiB for claims.
inline constexpr uint64_t kRamLeastSize = (16 << 20) + kRamLabelSize;

// `size` bytes of zeros, including the label area. Refused with EINVAL, "ram.size", unless it is a
// multiple of 4096 and at least kRamLeastSize; ENOMEM, "memory.size", if it is too much.
absl::StatusOr<core::BusSource> OpenRam(uint64_t size, bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_RAM_BACKEND_H_
