// SPDX-License-Identifier: Apache-2.0
// Memory as one DIMM with labels, as the kernel's ramdax driver makes one of a carve-out of RAM:
// the label area is the last 128 KiB, labels are in use from the start, and the set cookie is
// fixed.
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
inline constexpr uint32_t kRamLabelTransfer = 8;  // bytes that one label command carries
// One claim fits: the kernel refuses namespaces below 16 MiB for them.
inline constexpr uint64_t kRamLeastSize = (16 << 20) + kRamLabelSize;

// `size` bytes of zeros, label area and all. Refused with EINVAL, "ram.size", unless it is a
// multiple of 4096 of at least kRamLeastSize; ENOMEM, "memory.size", where it is too much.
absl::StatusOr<core::BusSource> OpenRam(uint64_t size, bool read_only);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_RAM_BACKEND_H_
