// SPDX-License-Identifier: Apache-2.0
// The command line of a command, with this program's exit codes.
#ifndef NVDIMMFS_TOOLS_COMMAND_LINE_H_
#define NVDIMMFS_TOOLS_COMMAND_LINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/commands.h"

namespace nvdimmfs::tools {

struct OptionRules {
  bool required = false;
  bool one_value_each = false;      // in `-o A B`, B is a positional argument
  bool show_default = false;        // --help prints the variable's value
  std::vector<std::string> one_of;  // the values it takes; empty: any
};

// Declares options and positional arguments, then parses them into the caller's variables. These
// outlive Parse, and keep their values if the option is not given. `names` is "-v,--verbose", or
// "SOURCE" for a positional argument. CLI11 does the work, in command_line.cc alone: it takes
// seconds to compile.
class CommandLine {
 public:
  // `command` is "nvdimmfs" or, for example, "nvdimmfs list".
  CommandLine(const std::string& summary, const std::string& command);
  ~CommandLine();

  void Add(const std::string& names, std::string& value, const std::string& help,
           const OptionRules& rules = {});
  void Add(const std::string& names, std::optional<std::string>& value, const std::string& help,
           const OptionRules& rules = {});
  void Add(const std::string& names, std::vector<std::string>& values, const std::string& help,
           const OptionRules& rules = {});
  void Add(const std::string& names, std::optional<uint32_t>& value, const std::string& help);
  // A number from 0 to `most`.
  void AddUpTo(uint32_t most, const std::string& names, uint32_t& value, const std::string& help);
  void AddOneOf(const std::vector<int>& numbers, const std::string& names, int& value,
                const std::string& help);

  void AddFlag(const std::string& names, bool& value, const std::string& help);
  // "--block,!--no-block". Neither given: nothing.
  void AddFlag(const std::string& names, std::optional<bool>& value, const std::string& help);
  // Counts how often it is given.
  void AddCount(const std::string& names, int& count, const std::string& help);
  // Prints what `text` returns, and calls it only then.
  void AddVersion(const std::string& names, std::function<std::string()> text);

  // The end of --help.
  void set_footer(const std::string& text);
  // Parsing stops at the first word that fits nothing above; rest() returns it and all that follow.
  void LeaveRest();

  // Nothing: continue. Otherwise the exit code: kDone after printing help or version, kUsage for
  // bad arguments.
  std::optional<int> Parse(const Arguments& arguments);

  // What Parse has not taken.
  Arguments rest() const;
  // "unknown option --sise; did you mean --size?", of a word such as "--sise=64M".
  std::string UnknownOption(absl::string_view word) const;

 private:
  struct Parser;
  const std::unique_ptr<Parser> parser_;
};

// Prints what is wrong and where to find help. `command` is as above. Returns kUsage.
int BadUsage(absl::string_view command, absl::string_view sentence);
// BadUsage for an argument that is present but empty: "MOUNTPOINT".
int EmptyArgument(absl::string_view command, absl::string_view name);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_COMMAND_LINE_H_
