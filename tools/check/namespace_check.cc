// SPDX-License-Identifier: Apache-2.0
#include "tools/check/namespace_check.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "absl/strings/str_cat.h"
#include "backends/content.h"
#include "core/base/status.h"
#include "core/info_blocks/info_block.h"

namespace nvdimmfs::tools {
namespace {

using core::ClaimClass;

bool MayHoldBtt(ClaimClass claim_class) {
  return claim_class == ClaimClass::kNone || claim_class == ClaimClass::kBtt ||
         claim_class == ClaimClass::kBtt2;
}

// The layout that the label promises, if any.
std::optional<btt::Version> PromisedBtt(const Extent& extent) {
  if (extent.claim_class == ClaimClass::kBtt) return btt::Version::kV1_1;
  if (extent.claim_class == ClaimClass::kBtt2) return btt::Version::kV2_0;
  return std::nullopt;
}

// The info block of fsdax or devdax, if the label promises one that is missing, or if it is
// damaged. The model treats both as absent. (It refuses one with unusable numbers itself.)
std::vector<core::Finding> CheckInfoBlock(const core::Media& media, const Extent& extent) {
  std::vector<core::Finding> findings;
  for (const ClaimClass kind : {ClaimClass::kPfn, ClaimClass::kDax}) {
    const bool promised = extent.claim_class == kind;
    if (extent.claim_class != ClaimClass::kNone && !promised) continue;
    const bool dax = kind == ClaimClass::kDax;
    const absl::Status status =
        core::ReadInfoBlock(media, dax, extent.uuid, extent.spa, {}).status();
    const bool refused = core::ErrnoOf(status) == EOPNOTSUPP;
    if (status.ok() || refused || (!promised && core::ReasonOf(status) != "info.checksum"))
      continue;
    const char* claim =
        promised ? dax ? "the label says devdax, but " : "the label says fsdax, but " : "";
    findings.push_back(
        {core::ReasonOf(status), core::kInfoBlockOffset, absl::StrCat(claim, status.message())});
  }
  return findings;
}

core::Finding UnknownClaim() {
  return {"label.abstraction", 0,
          "the label has an abstraction GUID that this program does not know; the contents of the "
          "namespace are not checked"};
}

core::Finding NoBtt() {
  return {
      "btt.info.none", 0,
      "the label says that this is a BTT (mode sector), but both info blocks are missing: a kernel "
      "shows the raw blocks, and binding a BTT with another uuid overwrites them"};
}

}  // namespace

std::optional<btt::Version> FindBtt(const core::Media& media, const Extent& extent) {
  if (!MayHoldBtt(extent.claim_class)) return std::nullopt;
  return btt::Detect(media, extent.uuid);
}

bool CannotTell(const core::Media& media, const Extent& extent) {
  // Labels describe it.
  if (!extent.uuid.is_nil() || FindBtt(media, extent)) return false;
  for (const bool dax : {false, true})
    if (core::ReadInfoBlock(media, dax, extent.uuid, extent.spa, {}).ok()) return false;
  if (backends::FindContent(media)) return false;
  std::vector<std::byte> start(std::min<uint64_t>(media.size(), 1 << 20));
  return media.Peek(0, absl::MakeSpan(start)).ok() &&
         std::any_of(start.begin(), start.end(),
                     [](std::byte byte) { return byte != std::byte{0}; });
}

std::vector<core::Finding> CheckNamespace(const core::Media& media, const Extent& extent) {
  if (extent.claim_class == ClaimClass::kUnknown) return {UnknownClaim()};
  if (const auto version = FindBtt(media, extent)) return btt::Check(media, *version, extent.uuid);
  if (PromisedBtt(extent)) return {NoBtt()};
  return CheckInfoBlock(media, extent);
}

absl::StatusOr<btt::RepairReport> RepairNamespace(core::Media& media, const Extent& extent,
                                                  const btt::SaveCopy& save) {
  const auto version = FindBtt(media, extent);
  if (!version) return btt::RepairReport{.left = CheckNamespace(media, extent)};
  auto report = btt::Repair(media, *version, extent.uuid, save);
  if (core::ErrnoOf(report.status()) == ENODEV)  // nothing to repair from; other BTTs may have it
    return btt::RepairReport{.left = btt::Check(media, *version, extent.uuid)};
  return report;
}

}  // namespace nvdimmfs::tools
