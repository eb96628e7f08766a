// SPDX-License-Identifier: Apache-2.0
#include "tools/check/sarif_log.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status.h"
#include "tools/check/vet_rules.h"
#include "tools/docs/reasons.h"
#include "tools/version/version.h"

namespace nvdimmfs::tools {
namespace {

using core::Json;

constexpr absl::string_view kSchema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

Json Text(absl::string_view text) { return {{"text", std::string(text)}}; }

// A rule that `check` may apply.
Json RuleOf(const std::string& reason) {
  Json rule = {{"id", reason}};
  const Reason* known = FindReason(reason);
  rule["shortDescription"] =
      Text(known != nullptr ? known->meaning : "a kernel refuses to enable the device");
  const VetRule* vet = FindVetRule(reason);
  if (vet != nullptr) {
    rule["fullDescription"] = Text(vet->kernel);
    if (!vet->defect.empty()) rule["properties"] = {{"kernelDefect", std::string(vet->defect)}};
  }
  rule["help"] = Text(known != nullptr ? known->advice : "see the message");
  const VetLevel level = vet != nullptr ? vet->level : VetLevel::kWarning;
  rule["defaultConfiguration"] = {{"level", std::string(NameOf(level))}};
  return rule;
}

Json LocationOf(const std::string& source, const PlacedFinding& found) {
  Json region = {{"byteOffset", found.finding.offset}};
  if (found.length != 0) region["byteLength"] = found.length;
  const std::string& file = found.file.empty() ? source : found.file;
  Json physical = {{"artifactLocation", {{"uri", UriOf(file)}}}, {"region", std::move(region)}};
  Json logical = Json::EmptyArray();
  logical.push_back({{"name", found.subject}});
  return {{"physicalLocation", std::move(physical)}, {"logicalLocations", std::move(logical)}};
}

}  // namespace

absl::string_view LevelOf(const PlacedFinding& found) {
  if (found.outcome != Outcome::kFound) return NameOf(VetLevel::kNote);
  const VetRule* rule = FindVetRule(found.finding.reason);
  return NameOf(rule != nullptr ? rule->level : VetLevel::kWarning);
}

std::string UriOf(absl::string_view path) {
  std::string uri = path.substr(0, 1) == "/" ? "file://" : "";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        absl::ascii_isalnum(byte) || c == '/' || c == '-' || c == '.' || c == '_' || c == '~';
    absl::StrAppend(&uri, plain ? std::string(1, c) : absl::StrFormat("%%%02X", byte));
  }
  return uri;
}

SarifLog::SarifLog() {
  for (const VetRule& rule : VetRules()) RuleIndex(std::string(rule.reason));
}

size_t SarifLog::RuleIndex(const std::string& reason) {
  const auto [place, fresh] = rules_.try_emplace(reason, rules_.size());
  if (fresh) rule_list_.push_back(RuleOf(reason));
  return place->second;
}

void SarifLog::Add(const std::string& source, const PlacedFinding& found) {
  Json locations = Json::EmptyArray();
  locations.push_back(LocationOf(source, found));
  results_.push_back(
      {{"ruleId", found.finding.reason},
       {"ruleIndex", uint64_t{RuleIndex(found.finding.reason)}},
       {"level", std::string(LevelOf(found))},
       {"message", Text(found.finding.sentence)},
       {"locations", std::move(locations)},
       {"properties",
        {{"source", source}, {"subject", found.subject}, {"outcome", NameOf(found.outcome)}}}});
}

void SarifLog::AddRefusal(const std::string& source, const absl::Status& status) {
  Json locations = Json::EmptyArray();
  locations.push_back({{"physicalLocation", {{"artifactLocation", {{"uri", UriOf(source)}}}}}});
  refusals_.push_back({{"level", "error"},
                       {"message", Text(status.message())},
                       {"descriptor", {{"id", core::ReasonOf(status)}}},
                       {"locations", std::move(locations)}});
}

Json SarifLog::Finish(int exit_code) {
  Json invocation = {{"executionSuccessful", refusals_.empty()},
                     {"exitCode", exit_code},
                     {"toolExecutionNotifications", std::move(refusals_)}};
  Json invocations = Json::EmptyArray();
  invocations.push_back(std::move(invocation));
  Json driver = {{"name", "nvdimmfs"},
                 {"version", std::string(VersionNumber())},
                 {"rules", std::move(rule_list_)}};
  Json run = {{"tool", {{"driver", std::move(driver)}}},
              {"invocations", std::move(invocations)},
              {"results", std::move(results_)},
              {"columnKind", "utf16CodeUnits"}};
  Json runs = Json::EmptyArray();
  runs.push_back(std::move(run));
  return {{"$schema", kSchema}, {"version", "2.1.0"}, {"runs", std::move(runs)}};
}

}  // namespace nvdimmfs::tools
