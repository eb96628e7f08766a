// SPDX-License-Identifier: Apache-2.0
// The drivers nd_pmem and dax_pmem: a namespace is shown raw, unless its media holds a btt, pfn or
// dax, which then claims it and exposes it in its own way.
//
// Thread rules: under the configuration lock.
#ifndef NVDIMMFS_CORE_ND_PMEM_DRIVER_H_
#define NVDIMMFS_CORE_ND_PMEM_DRIVER_H_

#include "absl/status/status.h"
#include "core/model/device.h"

namespace nvdimmfs::core {

// The devices are Namespaces and ClaimDevices.
absl::Status ProbePmem(Device& device);
void RemovePmem(Device& device);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_PMEM_DRIVER_H_
