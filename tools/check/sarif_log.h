// SPDX-License-Identifier: Apache-2.0
// Findings as a SARIF 2.1.0 log, which code scanners and their viewers read.
#ifndef NVDIMMFS_TOOLS_CHECK_SARIF_LOG_H_
#define NVDIMMFS_TOOLS_CHECK_SARIF_LOG_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/json.h"
#include "tools/check/placed_finding.h"

namespace nvdimmfs::tools {

// The level of a finding: that of its rule (vet_rules.h), a warning without one, or a note.
absl::string_view LevelOf(const PlacedFinding& found);

// A path as a URI reference: percent-encoded, with file:// before an absolute one.
std::string UriOf(absl::string_view path);

// One run. Thread rules: none of its own.
class SarifLog {
 public:
  SarifLog();

  // `source` is the file that findings without one of their own are in.
  void Add(const std::string& source, const PlacedFinding& found);
  // A source that could not be looked at.
  void AddRefusal(const std::string& source, const absl::Status& status);
  // The document; `exit_code` is that of the program. Call it once, last. Any text is allowed in
  // what was added: the document is UTF-8, and JSON escapes the rest.
  core::Json Finish(int exit_code);

 private:
  size_t RuleIndex(const std::string& reason);

  std::map<std::string, size_t> rules_;  // by reason: the place in rule_list_
  core::Json rule_list_ = core::Json::EmptyArray();
  core::Json results_ = core::Json::EmptyArray();
  core::Json refusals_ = core::Json::EmptyArray();
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_SARIF_LOG_H_
