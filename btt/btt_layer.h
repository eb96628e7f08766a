// SPDX-License-Identifier: Apache-2.0
// The BTT behind the device model's interface for it.
#ifndef NVDIMMFS_BTT_BTT_LAYER_H_
#define NVDIMMFS_BTT_BTT_LAYER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "core/nd/sector_layer.h"

namespace nvdimmfs::btt {

class BttLayer final : public core::SectorLayer {
 public:
  uint64_t SignatureOffset(core::ClaimClass claim_class) const override;
  bool IsSignature(absl::Span<const std::byte> bytes) const override;
  absl::StatusOr<core::SectorIdentity> Probe(const core::Media& ns, core::ClaimClass claim_class,
                                             const core::Uuid& parent_uuid) override;
  absl::StatusOr<std::shared_ptr<core::Media>> OpenOrFormat(
      std::shared_ptr<core::Media> ns, const core::SectorOptions& options) override;
  std::vector<core::SectorArena> Arenas(const core::Media& opened) override;
};

}  // namespace nvdimmfs::btt

#endif  // NVDIMMFS_BTT_BTT_LAYER_H_
