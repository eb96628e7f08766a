// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line.h"

#include <algorithm>
#include <iostream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/nearest_word.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "tools/output.h"

namespace nvdimmfs::tools {
namespace {

// Every option's names with their dashes.
std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

// For `--sise=64M`, CLI11 first reports that --size is missing; the typing error says more.
std::string Sentence(const CLI::App& app, const CLI::ParseError& error) {
  for (const std::string& word : app.remaining()) {
    if (!absl::StartsWith(word, "-") || word == "-" || word == "--") continue;
    return UnknownOption(app, word);
  }
  if (const std::vector<std::string> left = app.remaining(); !left.empty())
    return absl::StrCat("unexpected argument \"", left.front(), "\"");
  return error.what();
}

}  // namespace

std::optional<int> Parse(CLI::App& app, const Arguments& arguments) {
  // CLI11 takes them last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::Success& asked) {
    std::ostringstream help;  // or the version
    app.exit(asked, help, help);
    PrintData(help.str());
    return FinishData(kDone);
  } catch (const CLI::ParseError& error) {
    return BadUsage(app.get_name(), Sentence(app, error));
  }
  return std::nullopt;
}

std::string UnknownOption(const CLI::App& app, absl::string_view word) {
  const absl::string_view name = word.substr(0, word.find('='));
  return absl::StrCat("unknown option ", name, core::DidYouMean(name, OptionNames(app)));
}

int BadUsage(absl::string_view command, absl::string_view sentence) {
  std::cerr << command << ": " << core::EscapeSentence(sentence) << "\n"
            << "Usage: " << command << " --help\n";
  return kUsage;
}

int EmptyArgument(absl::string_view command, absl::string_view name) {
  return BadUsage(command, absl::StrCat("the ", name, " is empty (is a shell variable unset?)"));
}

std::string Describe(const absl::Status& status) {
  const std::string reason = core::ReasonOf(status);
  return core::EscapeSentence(absl::StrCat(status.message(), " [",
                                           core::ErrnoName(core::ErrnoOf(status)),
                                           reason.empty() ? "" : ", ", reason, "]"));
}

void Complain(const absl::Status& status) { Say(Describe(status)); }

absl::Status InContext(absl::string_view form, absl::string_view subject,
                       const absl::Status& status) {
  const std::string what = absl::StrCat(form, subject.empty() ? "" : " ", subject);
  return absl::StartsWith(status.message(), absl::StrCat(what, ":")) ? status
                                                                     : core::Annotate(status, what);
}

}  // namespace nvdimmfs::tools
