// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line.h"

#include <iostream>
#include <memory>
#include <sstream>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/nearest_word.h"
#include "core/base/status.h"
#include "core/base/utf8.h"
#include "tools/output.h"

namespace nvdimmfs::tools {

struct CommandLine::Parser {
  Parser(const std::string& summary, const std::string& command) : app(summary, command) {}

  CLI::App app;
  std::vector<std::pair<const CLI::Option*, std::optional<bool>*>> optional_flags;
};

namespace {

template <typename Value>
void AddOption(CLI::App& app, const std::string& names, Value& value, const std::string& help,
               const OptionRules& rules) {
  CLI::Option* const option = app.add_option(names, value, help);
  if (rules.required) option->required();
  if (rules.one_value_each) option->allow_extra_args(false);
  if (!rules.one_of.empty()) option->check(CLI::IsMember(rules.one_of));
  if (rules.show_default) option->capture_default_str();
}

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
std::string Sentence(const CommandLine& line, const CLI::ParseError& error) {
  const Arguments rest = line.rest();
  for (const std::string& word : rest) {
    if (!absl::StartsWith(word, "-") || word == "-" || word == "--") continue;
    return line.UnknownOption(word);
  }
  if (!rest.empty()) return absl::StrCat("unexpected argument \"", rest.front(), "\"");
  return error.what();
}

}  // namespace

CommandLine::CommandLine(const std::string& summary, const std::string& command)
    : parser_(std::make_unique<Parser>(summary, command)) {}

CommandLine::~CommandLine() = default;

void CommandLine::Add(const std::string& names, std::string& value, const std::string& help,
                      const OptionRules& rules) {
  AddOption(parser_->app, names, value, help, rules);
}

void CommandLine::Add(const std::string& names, std::optional<std::string>& value,
                      const std::string& help, const OptionRules& rules) {
  AddOption(parser_->app, names, value, help, rules);
}

void CommandLine::Add(const std::string& names, std::vector<std::string>& values,
                      const std::string& help, const OptionRules& rules) {
  AddOption(parser_->app, names, values, help, rules);
}

void CommandLine::Add(const std::string& names, std::optional<uint32_t>& value,
                      const std::string& help) {
  parser_->app.add_option(names, value, help);
}

void CommandLine::AddUpTo(uint32_t most, const std::string& names, uint32_t& value,
                          const std::string& help) {
  parser_->app.add_option(names, value, help)->check(CLI::Range(uint32_t{0}, most));
}

void CommandLine::AddOneOf(const std::vector<int>& numbers, const std::string& names, int& value,
                           const std::string& help) {
  parser_->app.add_option(names, value, help)->check(CLI::IsMember(numbers));
}

void CommandLine::AddFlag(const std::string& names, bool& value, const std::string& help) {
  parser_->app.add_flag(names, value, help);
}

void CommandLine::AddFlag(const std::string& names, std::optional<bool>& value,
                          const std::string& help) {
  parser_->optional_flags.emplace_back(parser_->app.add_flag(names, value.emplace(), help), &value);
}

void CommandLine::AddCount(const std::string& names, int& count, const std::string& help) {
  parser_->app.add_flag(names, count, help);
}

void CommandLine::AddVersion(const std::string& names, std::function<std::string()> text) {
  parser_->app.set_version_flag(names, std::move(text));
}

void CommandLine::set_footer(const std::string& text) { parser_->app.footer(text); }

void CommandLine::LeaveRest() { parser_->app.prefix_command(); }

std::optional<int> CommandLine::Parse(const Arguments& arguments) {
  CLI::App& app = parser_->app;
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
    return BadUsage(app.get_name(), Sentence(*this, error));
  }
  for (const auto& [option, value] : parser_->optional_flags)
    if (option->count() == 0) value->reset();
  return std::nullopt;
}

Arguments CommandLine::rest() const { return parser_->app.remaining(); }

std::string CommandLine::UnknownOption(absl::string_view word) const {
  const absl::string_view name = word.substr(0, word.find('='));
  return absl::StrCat("unknown option ", name, core::DidYouMean(name, OptionNames(parser_->app)));
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
