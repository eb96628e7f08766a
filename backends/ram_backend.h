// SPDX-License-Identifier: Apache-2.0
// A range of RAM as one DIMM with labels, like the kernel's ramdax driver for a carve-out of RAM:
// the label area is the last 128 KiB, labels are in use from the start, and the set cookie is
// fixed. The bytes are memory of this process, or a file: the RAM of a guest, or a copy of it.
//
// The driver is that of Linux 6.19 and later, drivers/nvdimm/ramdax.c.
#ifndef NVDIMMFS_BACKENDS_RAM_BACKEND_H_
#define NVDIMMFS_BACKENDS_RAM_BACKEND_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "backends/whole_file.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

inline constexpr uint64_t kRamLabelSize = 128 << 10;  // bytes
inline constexpr uint64_t kRamCookie = 0xcafebeefcafebeef;
inline constexpr uint32_t kRamLabelTransfer = 8;  // bytes per label command
// Large enough for one claim: the kernel requires namespaces of 16 MiB for claims.
inline constexpr uint64_t kRamLeastSize = (16 << 20) + kRamLabelSize;
inline constexpr uint64_t kRamAddress = uint64_t{4} << 30;  // where RAM beyond the PCI hole begins

// `size` bytes of zeros, including the label area; lost when the process ends. Refused with EINVAL,
// "ram.size", unless it is a multiple of 4096 and at least kRamLeastSize; ENOMEM, "memory.size", if
// it is too much.
absl::StatusOr<core::BusSource> OpenRam(uint64_t size, bool read_only);

// The file or block device at `path`, which is exactly the range, at `address` (system physical).
// Refused as OpenRange (range_file.h) and DimmOf (dimm_parts.h), as OpenRam for its size, and with
// EINVAL, "range.address", for an invalid address. Thread rules: any thread.
absl::StatusOr<core::BusSource> OpenRamFile(const std::string& path, uint64_t address,
                                            const FileOptions& options);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_RAM_BACKEND_H_
