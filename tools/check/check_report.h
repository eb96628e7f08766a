// SPDX-License-Identifier: Apache-2.0
// The output of `nvdimmfs check`: findings as lines, as JSON or as a SARIF log, a count for each
// source, the exit code.
#ifndef NVDIMMFS_TOOLS_CHECK_CHECK_REPORT_H_
#define NVDIMMFS_TOOLS_CHECK_CHECK_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/json.h"
#include "tools/check/placed_finding.h"
#include "tools/check/sarif_log.h"

namespace nvdimmfs::tools {

// fsck(8)'s exit codes: the sum of those that apply.
enum CheckExit {
  kSound = 0,
  kMendedSome = 1,
  kFindingsLeft = 4,
  kCannotTell = 8,
  kCheckUsage = 16,
};

enum class ReportFormat { kText, kJson, kSarif };

struct ReportOptions {
  ReportFormat format = ReportFormat::kText;
  bool verbose = false;  // every finding separately, and a line for sound sources
};

class CheckReport {
 public:
  explicit CheckReport(const ReportOptions& options) : options_(options) {}

  // Prints them; documents are printed by Finish. A source of which a part was not read counts as
  // one that cannot be told.
  void Add(const std::string& source, const std::vector<PlacedFinding>& findings);
  // A source that could not be opened, or in which nothing is recognised.
  void AddRefusal(const std::string& source, const absl::Status& status);

  // The exit code.
  int Finish();

 private:
  void Print(const std::string& source, const std::vector<PlacedFinding>& findings) const;

  const ReportOptions options_;
  core::Json list_ = core::Json::EmptyArray();
  SarifLog sarif_;
  int code_ = kSound;
};

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CHECK_CHECK_REPORT_H_
