// SPDX-License-Identifier: Apache-2.0
// Creates the personalities of namespaces: btt, pfn or dax.
#ifndef NVDIMMFS_CORE_ND_CLAIM_FACTORY_H_
#define NVDIMMFS_CORE_ND_CLAIM_FACTORY_H_

#include <memory>

#include "core/model/device_kind.h"
#include "core/nd/claim_device.h"
#include "core/nd/region.h"

namespace nvdimmfs::core {

// Creates one of `kind` in `region`, registered but not bound.
std::shared_ptr<ClaimDevice> AddClaimDevice(Region& region, const DeviceKind& kind);

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_ND_CLAIM_FACTORY_H_
