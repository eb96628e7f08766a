// SPDX-License-Identifier: Apache-2.0
#include "core/nd/claim_factory.h"

#include "core/model/engine.h"
#include "core/nd/btt_device.h"
#include "core/nd/nd_kind.h"
#include "core/nd/pfn_device.h"

namespace nvdimmfs::core {

std::shared_ptr<ClaimDevice> AddClaimDevice(Region& region, const DeviceKind& kind) {
  std::shared_ptr<ClaimDevice> claim;
  if (kind == NdKind::kBtt)
    claim = std::make_shared<BttDevice>(region);
  else
    claim = std::make_shared<PfnDevice>(region, kind);
  region.engine().Register(claim);
  return claim;
}

}  // namespace nvdimmfs::core
