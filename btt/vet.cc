// SPDX-License-Identifier: Apache-2.0
#include "btt/vet.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "btt/btt_format.h"
#include "btt/info_chain.h"
#include "btt/info_vet.h"
#include "btt/map_vet.h"
#include "btt/survey.h"
#include "core/base/status.h"

namespace nvdimmfs::btt {
namespace {

// Of a map of which not all is read: this much of either end.
constexpr uint32_t kSampleEntries = 1 << 20;
constexpr size_t kMostNamed = 8;  // arenas in a note

// Bytes that a finding is about.
uint64_t LengthOf(const core::Finding& finding) {
  if (absl::StartsWith(finding.reason, "btt.info.")) return kInfoSize;
  if (absl::StartsWith(finding.reason, "btt.flog.")) return sizeof(FlogGroup);
  return absl::StartsWith(finding.reason, "btt.map.") ? sizeof(uint32_t) : 0;
}

class Vetter {
 public:
  Vetter(const core::Media& ns, Version version, VetBudget& budget)
      : ns_(ns), version_(version), budget_(budget) {}

  VetReport Run(const core::Uuid& parent_uuid) {
    InfoChain chain = WalkInfo(ns_, version_, parent_uuid);
    for (core::Finding& finding : chain.findings) Add(std::move(finding));
    for (size_t index = 0; index < chain.links.size(); ++index) {
      const ChainLink& link = chain.links[index];
      for (core::VetFinding& finding : VetInfo(ns_, link.geometry.start, version_))
        AddOnce(std::move(finding));
      VetArena(link.geometry, index);
    }
    if (chain.links.empty())
      for (core::VetFinding& finding : VetInfo(ns_, InitialOffset(version_), version_))
        AddOnce(std::move(finding));
    TellPartial();
    return std::move(report_);
  }

 private:
  void Add(core::Finding finding) {
    if (budget_.findings == 0) return;
    if (--budget_.findings == 0) {
      report_.notes.push_back({"vet.partial", finding.offset,
                               "there are too many findings: the rest of the maps was not read"});
      return;
    }
    const uint64_t length = LengthOf(finding);
    report_.findings.push_back({std::move(finding), length});
  }

  // Unless the chain has the same finding.
  void AddOnce(core::VetFinding fresh) {
    const bool known = std::any_of(report_.findings.begin(), report_.findings.end(),
                                   [&](const core::VetFinding& other) {
                                     return other.finding.reason == fresh.finding.reason &&
                                            other.finding.offset == fresh.finding.offset;
                                   });
    if (!known) Add(std::move(fresh.finding));
  }

  // Takes `bytes` from what is left.
  static bool Spend(uint64_t bytes, uint64_t& left) {
    if (bytes > left) return false;
    left -= bytes;
    return true;
  }

  void VetArena(const ArenaGeometry& arena, size_t index) {
    if (budget_.findings == 0) return;
    const uint64_t map = uint64_t{arena.external_nlba} * sizeof(uint32_t);
    const uint64_t flog = uint64_t{arena.nfree} * sizeof(FlogGroup);
    if (Spend(map + flog, budget_.whole)) {
      VetWhole(arena);
      return;
    }
    partial_.push_back(index);
    const uint32_t head = std::min(kSampleEntries, arena.external_nlba);
    const uint32_t tail = std::min(kSampleEntries, arena.external_nlba - head);
    if (!Spend((uint64_t{head} + tail) * sizeof(uint32_t), budget_.sampled)) return;
    MapVet ends(ns_, arena);
    ends.Read(0, head);
    ends.Read(arena.external_nlba - tail, tail);
    for (core::Finding& finding : ends.Finish(true)) Add(std::move(finding));
  }

  void VetWhole(const ArenaGeometry& arena) {
    auto survey = SurveyArena(ns_, arena);
    if (!survey.ok()) {
      Add({core::ReasonOf(survey.status()), arena.start, std::string(survey.status().message())});
      return;
    }
    for (core::Finding& finding : survey->findings) Add(std::move(finding));
    MapVet map(ns_, arena);
    map.Read(0, arena.external_nlba);
    // The survey has reported what is out of range.
    for (core::Finding& finding : map.Finish(false)) Add(std::move(finding));
  }

  void TellPartial() {
    if (partial_.empty()) return;
    std::string named;
    for (size_t i = 0; i < std::min(partial_.size(), kMostNamed); ++i)
      absl::StrAppend(&named, i == 0 ? "" : ", ", partial_[i]);
    if (partial_.size() > kMostNamed)
      absl::StrAppend(&named, " and ", partial_.size() - kMostNamed, " more");
    const bool one = partial_.size() == 1;
    report_.notes.push_back(
        {"vet.partial", InitialOffset(version_),
         absl::StrCat(one ? "map and flog of arena " : "maps and flogs of arenas ", named,
                      " not fully read: larger than the limit for one source; --full reads them")});
  }

  const core::Media& ns_;
  const Version version_;
  VetBudget& budget_;
  std::vector<size_t> partial_;  // arenas of which not all was read
  VetReport report_;
};

}  // namespace

VetReport Vet(const core::Media& ns, Version version, const core::Uuid& parent_uuid,
              VetBudget& budget) {
  return Vetter(ns, version, budget).Run(parent_uuid);
}

std::vector<core::VetFinding> VetStray(const core::Media& ns, Version version,
                                       const core::Uuid& parent_uuid) {
  const uint64_t at = InitialOffset(version);
  const auto info = LoadInfo(ns, at);
  if (!info.ok() || info->signature != kSignature) return {};
  absl::Status status = CheckInfo(*info, parent_uuid);
  if (status.ok()) status = CheckVersion(*info, version);
  std::vector<core::VetFinding> findings;
  if (!status.ok())
    findings.push_back({{core::ReasonOf(status), at,
                         absl::StrCat("a block with a BTT's signature: ", status.message())},
                        kInfoSize});
  // A block of another namespace is ignored as a whole.
  if (core::ReasonOf(status) == "btt.info.parent") return findings;
  for (core::VetFinding& finding : VetInfo(ns, at, version)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace nvdimmfs::btt
