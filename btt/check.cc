// SPDX-License-Identifier: Apache-2.0
#include "btt/check.h"

#include "absl/strings/str_cat.h"
#include "btt/info_chain.h"
#include "btt/survey.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {

std::optional<Version> Detect(const core::Media& ns, const core::Uuid& parent_uuid) {
  for (Version version : {Version::kV1_1, Version::kV2_0}) {
    if (ns.size() < InitialOffset(version) + kMinArena) continue;
    const auto info = LoadInfo(ns, InitialOffset(version));
    if (info.ok() && CheckInfo(*info, parent_uuid).ok() && CheckVersion(*info, version).ok())
      return version;
  }
  for (Version version : {Version::kV1_1, Version::kV2_0})
    if (ns.size() >= InitialOffset(version) + kMinArena &&
        !WalkInfo(ns, version, parent_uuid).links.empty())
      return version;
  for (Version version : {Version::kV1_1, Version::kV2_0}) {
    if (ns.size() < InitialOffset(version) + kMinArena) continue;
    const auto info = LoadInfo(ns, InitialOffset(version));
    if (info.ok() && core::ReasonOf(CheckInfo(*info, parent_uuid)) == "btt.info.checksum")
      return version;
  }
  return std::nullopt;
}

std::vector<core::Finding> Check(const core::Media& ns, Version version,
                                 const core::Uuid& parent_uuid) {
  if (ns.size() < InitialOffset(version) + kMinArena)
    return {{"btt.size", 0,
             absl::StrCat("a namespace of ", ns.size(), " bytes is too small to hold a BTT")}};
  InfoChain chain = WalkInfo(ns, version, parent_uuid);
  std::vector<core::Finding> findings = std::move(chain.findings);
  for (const ChainLink& link : chain.links) {
    auto survey = SurveyArena(ns, link.geometry);
    if (!survey.ok()) {
      findings.push_back({core::ReasonOf(survey.status()), link.geometry.start,
                          std::string(survey.status().message())});
      continue;
    }
    for (core::Finding& finding : survey->findings) findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace nvdimmfs::btt
