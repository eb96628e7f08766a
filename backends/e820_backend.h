// SPDX-License-Identifier: Apache-2.0
// Ranges of memory without DIMMs and labels, as reported by firmware (e820 type 12) or on the
// kernel's command line (memmap=SIZE!ADDRESS): bus provider "e820", one region per range, one
// namespace over the whole region.
#ifndef NVDIMMFS_BACKENDS_E820_BACKEND_H_
#define NVDIMMFS_BACKENDS_E820_BACKEND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/whole_file.h"
#include "core/sources/bus_source.h"

namespace nvdimmfs::backends {

// One region for each of `paths` (files or block devices), in order: the first at `address` (system
// physical, a multiple of 4096), each next one at the following GiB boundary. Refused as OpenRange
// (range_file.h), and with EINVAL, "range.address", for invalid addresses. Thread rules: any
// thread.
absl::StatusOr<core::BusSource> OpenE820(const std::vector<std::string>& paths, uint64_t address,
                                         const FileOptions& options);

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_E820_BACKEND_H_
