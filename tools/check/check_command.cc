// SPDX-License-Identifier: Apache-2.0
// nvdimmfs check SOURCE... [--repair] [--dry-run] [--policy default|vet] [--full]
//                [--format text|json|sarif] [--json] [--verbose]
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "backends/sources/source.h"
#include "tools/check/check_report.h"
#include "tools/check/image_check.h"
#include "tools/check/source_vet.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/hardening/confinement.h"

namespace nvdimmfs::tools {
namespace {

constexpr char kCommand[] = "nvdimmfs check";

int Refuse(absl::string_view sentence) {
  BadUsage(kCommand, sentence);
  return kCheckUsage;
}

}  // namespace

int CheckCommand(const Arguments& arguments) {
  CommandLine line(
      "Checks labels, BTTs and info blocks. The exit code is the sum of fsck's: 0 sound; 1 "
      "something was mended; 4 findings remain; 8 cannot tell; 16 usage.",
      kCommand);
  std::vector<std::string> sources;
  CheckOptions options;
  VetOptions vet_options;
  ReportOptions report_options;
  std::string policy = "default";
  std::string format = "text";
  bool json = false;
  line.Add("SOURCE", sources, backends::SourceHelp(), {.required = true});
  line.AddFlag("--repair", options.repair,
               "mend what the evidence decides; save overwritten bytes in SOURCE.repair-N");
  line.AddFlag("--dry-run", options.dry_run,
               "say what --repair would do, what that costs and saves; store nothing");
  line.AddFlag("--force", options.force, "look even while another program has it open");
  line.Add("--policy", policy,
           "default: damage. vet: an image of a stranger; whatever has hurt a kernel, or what no "
           "kernel writes; reads at most 256 MiB of BTT maps",
           {.show_default = true, .one_of = {"default", "vet"}});
  line.AddFlag("--full", vet_options.full, "with --policy vet: read all of every BTT map");
  line.Add("--format", format, "how findings are printed; sarif is SARIF 2.1.0",
           {.show_default = true, .one_of = {"text", "json", "sarif"}});
  line.AddFlag("--json", json, "the same as --format json");
  line.AddFlag("-v,--verbose", report_options.verbose,
               "print every finding, even if many are alike; name sound sources, too");
  if (const auto code = line.Parse(arguments)) return *code == kUsage ? kCheckUsage : *code;
  const bool vet = policy == "vet";
  if (vet && (options.repair || options.dry_run))
    return Refuse(
        "--policy vet never changes an image: leave --repair and --dry-run out, or the policy");
  if (vet_options.full && !vet) return Refuse("--full needs --policy vet");
  if (json && format == "sarif") return Refuse("--json contradicts --format sarif");
  vet_options.force = options.force;
  if (json || format == "json") report_options.format = ReportFormat::kJson;
  if (format == "sarif") report_options.format = ReportFormat::kSarif;

  hardening::FormNeeds needs = {.store = options.repair && !options.dry_run};
  for (const std::string& source : sources)
    needs.device = needs.device || backends::Source(source).drives_device();
  hardening::ConfineForm(needs);
  CheckReport report(report_options);
  for (const std::string& source : sources) {
    const auto findings = vet ? VetSource(source, vet_options) : CheckSource(source, options);
    if (findings.ok())
      report.Add(source, *findings);
    else
      report.AddRefusal(source, findings.status());
  }
  return report.Finish();
}

}  // namespace nvdimmfs::tools
