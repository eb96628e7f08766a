// SPDX-License-Identifier: Apache-2.0
// The form "crash".
#ifndef NVDIMMFS_TOOLS_CRASH_CRASH_COMMAND_H_
#define NVDIMMFS_TOOLS_CRASH_CRASH_COMMAND_H_

#include "tools/commands.h"

namespace nvdimmfs::tools {

// As the forms of tools/commands.h.
int CrashCommand(const Arguments& arguments);

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_CRASH_CRASH_COMMAND_H_
