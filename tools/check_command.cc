// nvdimmfs check SOURCE... [--repair] [--json]
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/image_check.h"
#include "tools/source.h"

namespace nvdimmfs::tools {
namespace {

// A finding is one line: what, where (byte offset in the file), the sentence, the reason.
void Print(const std::string& source, const PlacedFinding& found) {
  std::printf("%s: %s: offset %s: %s [%s]\n", source.c_str(), found.subject.c_str(),
              absl::StrFormat("%#x", found.finding.offset).c_str(), found.finding.sentence.c_str(),
              found.finding.reason.c_str());
}

nlohmann::ordered_json AsJson(const std::string& source, const PlacedFinding& found) {
  return {{"source", source},
          {"subject", found.subject},
          {"offset", found.finding.offset},
          {"reason", found.finding.reason},
          {"sentence", found.finding.sentence},
          {"repaired", found.repaired}};
}

}  // namespace

int CheckCommand(const Arguments& arguments) {
  CLI::App app(
      "Verdict on labels, BTTs and info blocks. Exit code 0: sound; 1: findings; 2: cannot tell.",
      "nvdimmfs check");
  std::vector<std::string> sources;
  CheckOptions options;
  bool json = false;
  app.add_option("SOURCE", sources, SourceHelp())->required();
  app.add_flag("--repair", options.repair,
               "mend what can be mended without guessing; what is overwritten is kept in "
               "SOURCE.repair-N");
  app.add_flag("--force", options.force, "look even while somebody else has it open");
  app.add_flag("--json", json, "findings as a JSON array");
  if (const auto code = Parse(app, arguments)) return *code;

  int code = kDone;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const std::string& source : sources) {
    const auto findings = CheckSource(source, options);
    if (!findings.ok()) {
      Complain(findings.status());
      code = kUsage;
      continue;
    }
    for (const PlacedFinding& found : *findings) {
      if (json)
        list.push_back(AsJson(source, found));
      else
        Print(source, found);
    }
    if (!findings->empty() && code == kDone) code = kRefused;
  }
  if (json) std::printf("%s\n", list.dump(2).c_str());
  return code;
}

}  // namespace nvdimmfs::tools
