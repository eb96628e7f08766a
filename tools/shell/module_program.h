// SPDX-License-Identifier: Apache-2.0
// The shell's own modprobe, rmmod, insmod and modinfo. They treat the persistent-memory modules as
// loaded, so that scripts that load and unload them (such as ndctl's tests) run unchanged. If the
// buses of nfit_test are shown, that module can be unloaded and loaded, which makes them anew.
// Everything else goes to the real programs.
#ifndef NVDIMMFS_TOOLS_SHELL_MODULE_PROGRAM_H_
#define NVDIMMFS_TOOLS_SHELL_MODULE_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace nvdimmfs::tools {

inline constexpr char kProgramPath[] = "/dev/.nvdimmfs/bin";
inline constexpr char kRealProgramPath[] = "/dev/.nvdimmfs/real";

// The modules of all kernels that the tree can mirror.
inline constexpr const char* kModules[] = {
#define NVDIMMFS_MODULE(name) name,
#define NVDIMMFS_MODULE_OF_BUSES(name) name,
#include "core/system/modules.inc"
#undef NVDIMMFS_MODULE
#undef NVDIMMFS_MODULE_OF_BUSES
};

// Those of kModules that are shown as loaded, or can be loaded: the kernel of the mounted tree has
// them.
std::vector<std::string> ModulesOfTree();

// Writes the programs to kProgramPath and mounts each over the host's program of that name,
// wherever it is, so that absolute paths and any environment find it. The host's programs are then
// at kRealProgramPath. If the host lacks one, kProgramPath comes first in PATH for programs
// executed from then on. Call it in the shell's mount namespace. Refused with write's errno,
// "shell.program", or "shell.mount".
absl::Status PutModulePrograms();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_MODULE_PROGRAM_H_
