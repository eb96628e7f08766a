#include "btt/btt_layer.h"

#include <utility>

#include "btt/btt.h"
#include "core/status.h"

namespace nvdimmfs::btt {
namespace {

Version VersionOf(core::ClaimClass claim_class) {
  return claim_class == core::ClaimClass::kBtt2 ? Version::kV2_0 : Version::kV1_1;
}

}  // namespace

absl::StatusOr<core::SectorIdentity> BttLayer::Probe(const core::Media& ns,
                                                     core::ClaimClass claim_class,
                                                     const core::Uuid& parent_uuid) {
  ASSIGN_OR_RETURN(const Identity found, btt::Probe(ns, VersionOf(claim_class), parent_uuid));
  return core::SectorIdentity{.uuid = found.uuid, .external_lbasize = found.external_lbasize};
}

absl::StatusOr<std::shared_ptr<core::Media>> BttLayer::OpenOrFormat(
    std::shared_ptr<core::Media> ns, const core::SectorOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<Btt> opened,
                   Btt::OpenOrFormat(std::move(ns),
                                     {.uuid = options.uuid,
                                      .parent_uuid = options.parent_uuid,
                                      .external_lbasize = options.external_lbasize,
                                      .version = VersionOf(options.claim_class)},
                                     options.read_only));
  return std::shared_ptr<core::Media>(std::move(opened));
}

}  // namespace nvdimmfs::btt
