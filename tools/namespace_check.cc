#include "tools/namespace_check.h"

#include <cerrno>
#include <optional>

#include "core/base/status.h"
#include "core/info_blocks/info_block.h"

namespace nvdimmfs::tools {
namespace {

using core::ClaimClass;

bool MayHoldBtt(ClaimClass claim_class) {
  return claim_class == ClaimClass::kNone || claim_class == ClaimClass::kBtt ||
         claim_class == ClaimClass::kBtt2;
}

std::optional<btt::Version> BttVersion(const core::Media& media, const Extent& extent) {
  if (!MayHoldBtt(extent.claim_class)) return std::nullopt;
  return btt::Detect(media, extent.uuid);
}

// The info block of fsdax or devdax, where it is damaged: the model takes it for none.
std::vector<core::Finding> CheckInfoBlock(const core::Media& media, const Extent& extent) {
  std::vector<core::Finding> findings;
  for (const ClaimClass kind : {ClaimClass::kPfn, ClaimClass::kDax}) {
    if (extent.claim_class != ClaimClass::kNone && extent.claim_class != kind) continue;
    const absl::Status status =
        core::ReadInfoBlock(media, kind == ClaimClass::kDax, extent.uuid, extent.spa, {}).status();
    if (core::ReasonOf(status) == "info.checksum")
      findings.push_back({"info.checksum", core::kInfoBlockOffset, std::string(status.message())});
  }
  return findings;
}

}  // namespace

std::vector<core::Finding> CheckNamespace(const core::Media& media, const Extent& extent) {
  if (const auto version = BttVersion(media, extent))
    return btt::Check(media, *version, extent.uuid);
  return CheckInfoBlock(media, extent);
}

absl::StatusOr<btt::RepairReport> RepairNamespace(core::Media& media, const Extent& extent,
                                                  const btt::SaveCopy& save) {
  const auto version = BttVersion(media, extent);
  if (!version) return btt::RepairReport{{}, CheckInfoBlock(media, extent)};
  auto report = btt::Repair(media, *version, extent.uuid, save);
  if (core::ErrnoOf(report.status()) == ENODEV)  // nothing to repair from; other BTTs may have it
    return btt::RepairReport{{}, btt::Check(media, *version, extent.uuid)};
  return report;
}

}  // namespace nvdimmfs::tools
