// SPDX-License-Identifier: Apache-2.0
// CLI11, as all commands use it: parses a vector of arguments with this program's exit codes.
#ifndef NVDIMMFS_TOOLS_COMMAND_LINE_H_
#define NVDIMMFS_TOOLS_COMMAND_LINE_H_

#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/string_view.h"
#include "tools/commands.h"

namespace nvdimmfs::tools {

// Nothing: continue. Otherwise the exit code: kDone after printing help or version, kUsage for bad
// arguments.
std::optional<int> Parse(CLI::App& app, const Arguments& arguments);

// "unknown option --sise; did you mean --size?", of a word such as "--sise=64M".
std::string UnknownOption(const CLI::App& app, absl::string_view word);

// Prints what is wrong and where to find help. `command` is "nvdimmfs", or "nvdimmfs list". Returns
// kUsage.
int BadUsage(absl::string_view command, absl::string_view sentence);
// BadUsage for an argument that is present but empty: "MOUNTPOINT".
int EmptyArgument(absl::string_view command, absl::string_view name);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_COMMAND_LINE_H_
