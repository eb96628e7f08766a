// SPDX-License-Identifier: Apache-2.0
// nvdimmfs check SOURCE... [--repair] [--dry-run] [--json] [--verbose]
#include <string>
#include <vector>

#include "backends/sources/source.h"
#include "tools/check/check_report.h"
#include "tools/check/image_check.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/hardening/confinement.h"

namespace nvdimmfs::tools {

int CheckCommand(const Arguments& arguments) {
  CommandLine line(
      "Checks labels, BTTs and info blocks. The exit code is the sum of fsck's: 0 sound; 1 "
      "something was mended; 4 findings remain; 8 cannot tell; 16 usage.",
      "nvdimmfs check");
  std::vector<std::string> sources;
  CheckOptions options;
  ReportOptions report_options;
  line.Add("SOURCE", sources, backends::SourceHelp(), {.required = true});
  line.AddFlag("--repair", options.repair,
               "mend what the evidence decides; save overwritten bytes in SOURCE.repair-N");
  line.AddFlag("--dry-run", options.dry_run,
               "say what --repair would do, what that costs and saves; store nothing");
  line.AddFlag("--force", options.force, "look even while another program has it open");
  line.AddFlag("--json", report_options.json, "findings as a JSON array");
  line.AddFlag("-v,--verbose", report_options.verbose,
               "print every finding, even if many are alike; name sound sources, too");
  if (const auto code = line.Parse(arguments)) return *code == kUsage ? kCheckUsage : *code;

  hardening::FormNeeds needs = {.store = options.repair && !options.dry_run};
  for (const std::string& source : sources)
    needs.device = needs.device || backends::Source(source).drives_device();
  hardening::ConfineForm(needs);
  CheckReport report(report_options);
  for (const std::string& source : sources) {
    const auto findings = CheckSource(source, options);
    if (findings.ok())
      report.Add(source, *findings);
    else
      report.AddRefusal(source, findings.status());
  }
  return report.Finish();
}

}  // namespace nvdimmfs::tools
