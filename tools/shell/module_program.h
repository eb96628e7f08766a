// The shell's own modprobe, rmmod, insmod and modinfo: the modules of persistent memory count as
// loaded, so that scripts which load and unload them (the tests of ndctl do) need not be changed.
// nfit_test is unloaded and loaded where its buses are shown: they come as new. Everything else
// goes to the real programs.
#ifndef NVDIMMFS_TOOLS_SHELL_MODULE_PROGRAM_H_
#define NVDIMMFS_TOOLS_SHELL_MODULE_PROGRAM_H_

#include "absl/status/status.h"

namespace nvdimmfs::tools {

inline constexpr char kProgramPath[] = "/dev/.nvdimmfs/bin";
inline constexpr char kRealProgramPath[] = "/dev/.nvdimmfs/real";

// What counts as loaded.
inline constexpr const char* kModules[] = {
#define NVDIMMFS_MODULE(name) name,
#define NVDIMMFS_MODULE_OF_BUSES(name) name,
#include "core/system/modules.inc"
#undef NVDIMMFS_MODULE
#undef NVDIMMFS_MODULE_OF_BUSES
};

// Writes them to kProgramPath and mounts each over the host's program of that name, wherever that
// is, so that they are found by whole paths and in any environment; the host's are at
// kRealProgramPath then. Where the host lacks one, kProgramPath comes first in PATH for what is
// executed from now on. To be called in the shell's mount namespace. Refused with what writing
// says, "shell.program", or "shell.mount".
absl::Status PutModulePrograms();

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_SHELL_MODULE_PROGRAM_H_
