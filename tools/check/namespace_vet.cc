// SPDX-License-Identifier: Apache-2.0
#include "tools/check/namespace_vet.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "backends/content.h"
#include "core/info_blocks/info_block.h"
#include "core/vet/info_vet.h"
#include "tools/check/vet_rules.h"

namespace nvdimmfs::tools {
namespace {

using core::ClaimClass;

// The layout that kernels look for.
std::optional<btt::Version> ProbedBtt(ClaimClass claim_class) {
  if (claim_class == ClaimClass::kNone || claim_class == ClaimClass::kBtt)
    return btt::Version::kV1_1;
  if (claim_class == ClaimClass::kBtt2) return btt::Version::kV2_0;
  return std::nullopt;
}

bool MayHoldInfoBlock(ClaimClass claim_class) {
  return claim_class == ClaimClass::kNone || claim_class == ClaimClass::kPfn ||
         claim_class == ClaimClass::kDax;
}

class Vetter {
 public:
  Vetter(const core::Media& media, const Extent& extent) : media_(media), extent_(extent) {}

  std::vector<PlacedFinding> Run(btt::VetBudget& budget) {
    if (const auto version = FindBtt(media_, extent_)) {
      VetBtt(*version, budget);
      return std::move(findings_);
    }
    for (core::Finding& finding : CheckNamespace(media_, extent_)) Add(std::move(finding), 0);
    if (const auto version = ProbedBtt(extent_.claim_class))
      AddNew(btt::VetStray(media_, *version, extent_.uuid));
    if (MayHoldInfoBlock(extent_.claim_class))
      AddNew(core::VetInfoBlock(media_, extent_.uuid, extent_.spa));
    if (const auto content = HasInfoBlock() ? std::nullopt : backends::FindContent(media_))
      Add({"vet.content", 0, absl::StrCat("it holds ", content->what, ", which is not vetted")}, 0);
    return std::move(findings_);
  }

 private:
  void Add(core::Finding finding, uint64_t length) {
    const VetRule* rule = FindVetRule(finding.reason);
    const bool is_note = rule != nullptr && rule->level == VetLevel::kNote;
    const bool not_read = finding.reason == "vet.partial";
    findings_.push_back({.subject = extent_.name,
                         .finding = std::move(finding),
                         .outcome = not_read  ? Outcome::kNotRead
                                    : is_note ? Outcome::kNote
                                              : Outcome::kFound,
                         .length = length,
                         .file = {}});
  }

  bool HasInfoBlock() const {
    std::array<std::byte, core::kPfnSignature.size()> bytes;
    return media_.Peek(core::kInfoBlockOffset, absl::MakeSpan(bytes)).ok() &&
           core::IsInfoBlockSignature(bytes);
  }

  // Leaves out what CheckNamespace has found in the same block, whose offset is the same.
  void AddNew(std::vector<core::VetFinding> found) {
    for (core::VetFinding& fresh : found) {
      const bool known =
          std::any_of(findings_.begin(), findings_.end(), [&](const PlacedFinding& other) {
            return other.finding.reason == fresh.finding.reason &&
                   other.finding.offset == fresh.finding.offset;
          });
      if (!known) Add(std::move(fresh.finding), fresh.length);
    }
  }

  void VetBtt(btt::Version version, btt::VetBudget& budget) {
    if (version != ProbedBtt(extent_.claim_class))
      Add({"btt.info.version", btt::InitialOffset(version),
           "the BTT is of another version than the one that the label calls for"},
          0);
    btt::VetReport report = btt::Vet(media_, version, extent_.uuid, budget);
    for (core::VetFinding& found : report.findings) Add(std::move(found.finding), found.length);
    for (core::Finding& note : report.notes) Add(std::move(note), 0);
  }

  const core::Media& media_;
  const Extent& extent_;
  std::vector<PlacedFinding> findings_;
};

}  // namespace

std::vector<PlacedFinding> VetNamespace(const core::Media& media, const Extent& extent,
                                        btt::VetBudget& budget) {
  return Vetter(media, extent).Run(budget);
}

}  // namespace nvdimmfs::tools
