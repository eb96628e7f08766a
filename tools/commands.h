// SPDX-License-Identifier: Apache-2.0
// The forms of the command line. Each takes the arguments after the program's name (and after its
// own), prints results on stdout and messages on stderr, and returns the exit code: 0 done,
// 1 refused or findings, 2 usage.
#ifndef NVDIMMFS_TOOLS_COMMANDS_H_
#define NVDIMMFS_TOOLS_COMMANDS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::tools {

using Arguments = std::vector<std::string>;

inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;
inline constexpr int kUsage = 2;

// Calls `ready` in the process that serves the mount, once it serves. `busy_code` is the exit code
// of a refusal with EBUSY: another process has the source open.
int MountCommand(const Arguments& arguments, const std::function<void()>& ready = nullptr,
                 int busy_code = kRefused);
int CreateCommand(const Arguments& arguments);
int ListCommand(const Arguments& arguments);
int CheckCommand(const Arguments& arguments);
int InitLabelsCommand(const Arguments& arguments);
int MapCommand(const Arguments& arguments);
int MoveLabelsCommand(const Arguments& arguments);
int ShellCommand(const Arguments& arguments);

// "sentence [ENXIO, reason]".
std::string Describe(const absl::Status& status);
// "nvdimmfs: sentence [ENXIO, reason]" on stderr.
void Complain(const absl::Status& status);
// The refusal with "form subject: " before its sentence, unless the sentence already begins that
// way. An empty `subject` is left out.
absl::Status InContext(absl::string_view form, absl::string_view subject,
                       const absl::Status& status);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_COMMANDS_H_
