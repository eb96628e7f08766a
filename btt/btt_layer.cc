// SPDX-License-Identifier: Apache-2.0
#include "btt/btt_layer.h"

#include <cstring>
#include <utility>

#include "absl/types/span.h"
#include "btt/btt.h"
#include "btt/btt_format.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

Version VersionOf(core::ClaimClass claim_class) {
  return claim_class == core::ClaimClass::kBtt2 ? Version::kV2_0 : Version::kV1_1;
}

}  // namespace

uint64_t BttLayer::SignatureOffset(core::ClaimClass claim_class) const {
  return InitialOffset(VersionOf(claim_class));
}

bool BttLayer::IsSignature(absl::Span<const std::byte> bytes) const {
  static_assert(kSignature.size() == kSignatureSize);
  return bytes.size() == kSignature.size() &&
         std::memcmp(bytes.data(), kSignature.data(), kSignature.size()) == 0;
}

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
                                      .version = VersionOf(options.claim_class),
                                      .name = options.name},
                                     options.read_only));
  return std::shared_ptr<core::Media>(std::move(opened));
}

std::vector<core::SectorArena> BttLayer::Arenas(const core::Media& opened) {
  const auto& btt = static_cast<const Btt&>(opened);
  std::vector<core::SectorArena> arenas;
  const uint64_t initial_offset = btt.arenas().front()->geometry().start;
  const Version version =
      initial_offset == InitialOffset(Version::kV2_0) ? Version::kV2_0 : Version::kV1_1;
  uint64_t first_sector = 0;
  for (const std::unique_ptr<Arena>& arena : btt.arenas()) {
    const ArenaGeometry& geometry = arena->geometry();
    const uint64_t start = geometry.start - initial_offset;
    const FlogPair pair = arena->padding();
    arenas.push_back({
        .size = geometry.size,
        .external_lba_start = first_sector,
        .internal_nlba = geometry.internal_nlba,
        .internal_lbasize = geometry.internal_lbasize,
        .external_nlba = geometry.external_nlba,
        .external_lbasize = geometry.external_lbasize,
        .nfree = geometry.nfree,
        .version_major = MajorOf(version),
        .version_minor = MinorOf(version),
        .nextoff = geometry.nextoff == 0 ? 0 : start + geometry.nextoff,
        .infooff = start,
        .dataoff = start + geometry.dataoff,
        .mapoff = start + geometry.mapoff,
        .logoff = start + geometry.logoff,
        .info2off = start + geometry.info2off,
        .flags = arena->error_flagged() ? kInfoFlagError : 0,
        .log_index = {pair[0], pair[1]},
    });
    first_sector += geometry.external_nlba;
  }
  return arenas;
}

}  // namespace nvdimmfs::btt
